/** Identities at providers, and the states that have come back from them. */
import { sql } from 'kysely';
import type { Page, PageRequest } from '../core/page.ts';
import type { Db, Tx } from './connect.ts';
import { orderAndPage, type Expressions } from './paging.ts';

export interface IdentityKey {
  provider: string;
  issuer: string;
  subject: string;
}

export interface IdentityOwner {
  identity_id: string;
  user_id: string;
  is_active: boolean;
}

/** Who logs in with this identity; their account is locked until the transaction ends. */
export async function lockIdentityOwner(tx: Tx, { provider, issuer, subject }: IdentityKey): Promise<IdentityOwner | undefined> {
  const { rows } = await sql<IdentityOwner>`
    SELECT i.id AS identity_id, u.id AS user_id, u.is_active FROM oauth_identities i JOIN users u ON u.id = i.user_id
    WHERE i.provider = ${provider} AND i.issuer = ${issuer} AND i.provider_user_id = ${subject} FOR UPDATE OF u`.execute(tx);
  return rows[0];
}

/** False where the identity was unlinked meanwhile. */
export async function noteIdentityEmail(tx: Tx, identityId: string, email: string | null): Promise<boolean> {
  const { rows } = await sql`UPDATE oauth_identities SET provider_email = ${email} WHERE id = ${identityId} RETURNING id`.execute(tx);
  return rows.length > 0;
}

export interface AccountByEmail {
  id: string;
  is_active: boolean;
  /** Whether its owner proved to read the mailbox. */
  is_proven: boolean;
}

/** The account with this address in any case, locked. */
export async function lockUserByEmail(tx: Tx, email: string): Promise<AccountByEmail | undefined> {
  const { rows } = await sql<AccountByEmail>`
    SELECT id, is_active, email_verified_at IS NOT NULL AS is_proven FROM users WHERE lower(email) = lower(${email}) FOR UPDATE`.execute(tx);
  return rows[0];
}

export async function insertIdentity(tx: Tx, userId: string, { provider, issuer, subject }: IdentityKey, email: string): Promise<string> {
  const { rows } = await sql<{ id: string }>`
    INSERT INTO oauth_identities (user_id, provider, issuer, provider_user_id, provider_email)
    VALUES (${userId}, ${provider}, ${issuer}, ${subject}, ${email}) RETURNING id`.execute(tx);
  return rows[0]?.id ?? '';
}

export interface IdentityRow {
  id: string;
  provider: string;
  provider_user_id: string;
  provider_email: string | null;
  created_at: string;
}

const SORTABLE: Expressions = { provider: sql`provider`, created_at: sql`created_at` };

export async function listIdentities(db: Db, userId: string, page: PageRequest): Promise<Pick<Page<IdentityRow>, 'items' | 'total'>> {
  const { rows } = await sql<IdentityRow>`
    SELECT id, provider, provider_user_id, provider_email, created_at FROM oauth_identities WHERE user_id = ${userId}
    ${orderAndPage(page, SORTABLE, sql`id`)}`.execute(db);
  const count = await sql<{ total: number }>`SELECT count(*)::int AS total FROM oauth_identities WHERE user_id = ${userId}`.execute(db);
  return { items: rows, total: count.rows[0]?.total ?? 0 };
}

/** Locks the account and tells whether it has a password; of two changes at once to its ways in, one waits. */
export async function lockPasswordState(tx: Tx, userId: string): Promise<{ has_password: boolean } | undefined> {
  const { rows } = await sql<{ has_password: boolean }>`SELECT password_hash IS NOT NULL AS has_password FROM users WHERE id = ${userId} FOR UPDATE`.execute(tx);
  return rows[0];
}

/** All of a user; read under the lock of the account. */
export async function identitiesOf(tx: Tx, userId: string): Promise<(IdentityRow & { issuer: string })[]> {
  const { rows } = await sql<IdentityRow & { issuer: string }>`
    SELECT id, provider, issuer, provider_user_id, provider_email, created_at FROM oauth_identities WHERE user_id = ${userId}`.execute(tx);
  return rows;
}

export async function deleteIdentity(tx: Tx, id: string): Promise<void> {
  await sql`DELETE FROM oauth_identities WHERE id = ${id}`.execute(tx);
}

/** False where the state was spent before. */
export async function spendState(db: Db, stateHash: Buffer, expiresAt: Date): Promise<boolean> {
  const { rows } = await sql`INSERT INTO oauth_spent_states (state_hash, expires_at) VALUES (${stateHash}, ${expiresAt}) ON CONFLICT DO NOTHING RETURNING 1 AS spent`.execute(db);
  return rows.length > 0;
}

export async function deleteExpiredStates(db: Db, now: Date): Promise<void> {
  await sql`DELETE FROM oauth_spent_states WHERE expires_at <= ${now}`.execute(db);
}
