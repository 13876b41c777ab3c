/** Sessions and their rotating refresh tokens. Tokens are kept as SHA-256. */
import { sql } from 'kysely';
import type { PageRequest } from '../core/page.ts';
import type { Db, Tx } from './connect.ts';
import { orderAndPage } from './paging.ts';

export interface NewSession {
  userId: string;
  tokenHash: Buffer;
  expiresAt: Date;
  ip: string | null;
  userAgent: string | null;
}

/** Starts a session with its first refresh token and notes the log-in; returns the session's id. */
export async function insertSession(tx: Tx, session: NewSession): Promise<string> {
  const { rows } = await sql<{ id: string }>`
    WITH session AS (
      INSERT INTO sessions (user_id, expires_at, ip, user_agent)
      VALUES (${session.userId}, ${session.expiresAt}, ${session.ip}, ${session.userAgent}) RETURNING id
    ), token AS (
      INSERT INTO refresh_tokens (token_hash, session_id, expires_at) SELECT ${session.tokenHash}, id, ${session.expiresAt} FROM session
    ), seen AS (
      UPDATE users SET last_login_at = now() WHERE id = ${session.userId}
    )
    SELECT id FROM session`.execute(tx);
  return rows[0]?.id ?? '';
}

export interface RefreshTokenRow {
  session_id: string;
  user_id: string;
  spent: boolean;
  alive: boolean;
}

/** The token with its session, locked until the transaction ends, so that of two refreshes at once one wins. */
export async function lockRefreshToken(tx: Tx, tokenHash: Buffer, now: Date): Promise<RefreshTokenRow | undefined> {
  const { rows } = await sql<RefreshTokenRow>`
    SELECT t.session_id, s.user_id, t.spent_at IS NOT NULL AS spent,
      t.expires_at > ${now} AND s.ended_at IS NULL AND s.expires_at > ${now} AND u.is_active AS alive
    FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id JOIN users u ON u.id = s.user_id
    WHERE t.token_hash = ${tokenHash} FOR UPDATE OF t, s`.execute(tx);
  return rows[0];
}

/** Spends one token and puts the next in its place. */
export async function rotateRefreshToken(tx: Tx, token: { spentHash: Buffer; nextHash: Buffer; sessionId: string; expiresAt: Date }): Promise<void> {
  await sql`
    WITH spent AS (UPDATE refresh_tokens SET spent_at = now() WHERE token_hash = ${token.spentHash}),
    session AS (UPDATE sessions SET last_used_at = now(), expires_at = ${token.expiresAt} WHERE id = ${token.sessionId})
    INSERT INTO refresh_tokens (token_hash, session_id, expires_at) VALUES (${token.nextHash}, ${token.sessionId}, ${token.expiresAt})`.execute(tx);
}

export async function endSession(db: Db, sessionId: string, reason: 'logout' | 'reuse'): Promise<void> {
  await sql`UPDATE sessions SET ended_at = now(), ended_reason = ${reason} WHERE id = ${sessionId} AND ended_at IS NULL`.execute(db);
}

/** Ends all sessions of a user but one (null: none is spared); returns how many. */
export async function endSessionsOf(tx: Tx, userId: string, spared: string | null, reason: 'password' | 'revoked' | 'deactivated'): Promise<number> {
  const { numAffectedRows } = await sql`
    UPDATE sessions SET ended_at = now(), ended_reason = ${reason} WHERE user_id = ${userId} AND ended_at IS NULL AND id IS DISTINCT FROM ${spared}`.execute(tx);
  return Number(numAffectedRows ?? 0);
}

/** False where the user has no such session that goes on. */
export async function endSessionOf(tx: Tx, userId: string, sessionId: string, now: Date): Promise<boolean> {
  const { numAffectedRows } = await sql`
    UPDATE sessions SET ended_at = now(), ended_reason = 'revoked'
    WHERE id = ${sessionId} AND user_id = ${userId} AND ended_at IS NULL AND expires_at > ${now}`.execute(tx);
  return numAffectedRows === 1n;
}

export interface SessionRow {
  id: string;
  created_at: string;
  last_used_at: string;
  expires_at: string;
  ip: string | null;
  user_agent: string | null;
}

const SORTABLE = { created_at: sql`created_at`, last_used_at: sql`last_used_at`, expires_at: sql`expires_at` };

/** The sessions of a user that go on. */
export async function listSessions(db: Db, userId: string, now: Date, page: PageRequest): Promise<{ items: SessionRow[]; total: number }> {
  const alive = sql`user_id = ${userId} AND ended_at IS NULL AND expires_at > ${now}`;
  const { rows: items } = await sql<SessionRow>`
    SELECT id, created_at, last_used_at, expires_at, ip, user_agent FROM sessions WHERE ${alive} ${orderAndPage(page, SORTABLE, sql`id`)}`.execute(db);
  const { rows } = await sql<{ total: number }>`SELECT count(*) AS total FROM sessions WHERE ${alive}`.execute(db);
  return { items, total: rows[0]?.total ?? 0 };
}

export async function sessionOfToken(db: Db, tokenHash: Buffer): Promise<{ session_id: string; user_id: string } | undefined> {
  const { rows } = await sql<{ session_id: string; user_id: string }>`
    SELECT t.session_id, s.user_id FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id WHERE t.token_hash = ${tokenHash}`.execute(db);
  return rows[0];
}

/** Removes what has been over for a while; returns how many sessions. */
export async function deleteOldSessions(db: Db, before: Date): Promise<number> {
  const { numAffectedRows } = await sql`DELETE FROM sessions WHERE expires_at < ${before} OR ended_at < ${before}`.execute(db);
  return Number(numAffectedRows ?? 0);
}
