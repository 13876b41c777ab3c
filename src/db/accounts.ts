/** Registrations that wait for their mail, and password resets. Tokens are kept as SHA-256. */
import { sql } from 'kysely';
import type { Db, Tx } from './connect.ts';

export interface NewRegistration {
  email: string;
  fullName: string | null;
  passwordHash: string;
  expiresAt: Date;
}

/** Returns its id. `email` must be normalised. */
export async function insertRegistration(tx: Tx, registration: NewRegistration): Promise<string> {
  const { rows } = await sql<{ id: string }>`
    INSERT INTO pending_registrations (email, full_name, password_hash, expires_at)
    VALUES (${registration.email}, ${registration.fullName}, ${registration.passwordHash}, ${registration.expiresAt}) RETURNING id`.execute(tx);
  return rows[0]?.id ?? '';
}

/** Whose address a registration that has not expired is for, and whether an account has it by now. */
export async function findRegistration(db: Db, id: string, now: Date): Promise<{ email: string; taken: boolean } | undefined> {
  const { rows } = await sql<{ email: string; taken: boolean }>`
    SELECT r.email, EXISTS (SELECT FROM users u WHERE lower(u.email) = r.email) AS taken
    FROM pending_registrations r WHERE r.id = ${id} AND r.expires_at > ${now}`.execute(db);
  return rows[0];
}

export async function setRegistrationToken(db: Db, id: string, tokenHash: Buffer): Promise<void> {
  await sql`UPDATE pending_registrations SET token_hash = ${tokenHash} WHERE id = ${id}`.execute(db);
}

/** Removes a registration to which no token was given: its address was taken. */
export async function deleteTokenlessRegistration(db: Db, id: string): Promise<void> {
  await sql`DELETE FROM pending_registrations WHERE id = ${id} AND token_hash IS NULL`.execute(db);
}

export interface RegistrationRow {
  id: string;
  email: string;
  full_name: string | null;
  password_hash: string;
}

export async function registrationOfToken(db: Db, tokenHash: Buffer, now: Date): Promise<RegistrationRow | undefined> {
  const { rows } = await sql<RegistrationRow>`
    SELECT id, email, full_name, password_hash FROM pending_registrations WHERE token_hash = ${tokenHash} AND expires_at > ${now}`.execute(db);
  return rows[0];
}

/** Spends a token: deletes every registration of its address. False where it was spent meanwhile. */
export async function spendRegistrationToken(tx: Tx, registration: RegistrationRow, tokenHash: Buffer): Promise<boolean> {
  const { rows } = await sql`DELETE FROM pending_registrations WHERE id = ${registration.id} AND token_hash = ${tokenHash} RETURNING id`.execute(tx);
  if (rows.length === 0) return false;
  await sql`DELETE FROM pending_registrations WHERE email = ${registration.email}`.execute(tx);
  return true;
}

export async function insertResetToken(tx: Tx, token: { hash: Buffer; userId: string; expiresAt: Date }): Promise<void> {
  await sql`INSERT INTO password_reset_tokens (token_hash, user_id, expires_at) VALUES (${token.hash}, ${token.userId}, ${token.expiresAt})`.execute(tx);
}

/** The active account whose password the token may set. */
export async function userOfResetToken(db: Db, tokenHash: Buffer, now: Date): Promise<{ id: string; email: string } | undefined> {
  const { rows } = await sql<{ id: string; email: string }>`
    SELECT u.id, u.email FROM password_reset_tokens t JOIN users u ON u.id = t.user_id
    WHERE t.token_hash = ${tokenHash} AND t.expires_at > ${now} AND u.is_active`.execute(db);
  return rows[0];
}

/** False where it was spent meanwhile: of two at once, the second waits for the first and finds nothing. */
export async function spendResetToken(tx: Tx, tokenHash: Buffer): Promise<boolean> {
  const { rows } = await sql`DELETE FROM password_reset_tokens WHERE token_hash = ${tokenHash} RETURNING user_id`.execute(tx);
  return rows.length > 0;
}

export async function deleteResetTokens(tx: Tx, userId: string): Promise<void> {
  await sql`DELETE FROM password_reset_tokens WHERE user_id = ${userId}`.execute(tx);
}

export async function deleteExpiredAccountTokens(db: Db, now: Date): Promise<void> {
  await sql`DELETE FROM pending_registrations WHERE expires_at <= ${now}`.execute(db);
  await sql`DELETE FROM password_reset_tokens WHERE expires_at <= ${now}`.execute(db);
}
