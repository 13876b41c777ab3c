/** First answers to requests with an Idempotency-Key. */
import { sql } from 'kysely';
import type { Db, Tx } from './connect.ts';

export interface IdempotencyId {
  actor: string;
  operation: string;
  key: string;
}

export interface StoredAnswer {
  status: number;
  headers: Record<string, string | string[]>;
  body: string | null;
}

export type Claim = { state: 'claimed' } | { state: 'running' } | { state: 'other-request' } | { state: 'done'; answer: StoredAnswer };

/**
 * Claims the key for this request, or says what became of the first. The claim, what the request does and its answer are one transaction: of a process that
 * is killed nothing is left, and the next try has the key at once. Processes of older releases commit their claim first; it lapses after `lockSeconds`.
 */
export async function claimIdempotencyKey(tx: Tx, id: IdempotencyId, fingerprint: Buffer, now: Date, lockSeconds: number, keepSeconds: number): Promise<Claim> {
  const later = (seconds: number): Date => new Date(now.getTime() + seconds * 1000);
  const free = await sql<{ free: boolean }>`SELECT pg_try_advisory_xact_lock(hashtextextended(${`sca-portal:idempotency:${JSON.stringify([id.actor, id.operation, id.key])}`}, 0)) AS free`.execute(tx);
  if (free.rows[0]?.free !== true) return { state: 'running' };
  const claimed = await sql`
    INSERT INTO idempotency_keys AS k (actor, operation, key, fingerprint, locked_until, expires_at)
    VALUES (${id.actor}, ${id.operation}, ${id.key}, ${fingerprint}, ${later(lockSeconds)}, ${later(keepSeconds)})
    ON CONFLICT (actor, operation, key) DO UPDATE SET
      fingerprint = excluded.fingerprint, status = NULL, headers = NULL, body = NULL, locked_until = excluded.locked_until, expires_at = excluded.expires_at
    WHERE k.expires_at <= ${now} OR (k.status IS NULL AND k.locked_until <= ${now})
    RETURNING 1`.execute(tx);
  if (claimed.rows.length > 0) return { state: 'claimed' };
  const { rows } = await sql<{ same: boolean; status: number | null; headers: Record<string, string | string[]> | null; body: string | null }>`
    SELECT fingerprint = ${fingerprint} AS same, status, headers, body FROM idempotency_keys
    WHERE actor = ${id.actor} AND operation = ${id.operation} AND key = ${id.key}`.execute(tx);
  const row = rows[0];
  if (row === undefined) return { state: 'running' };
  if (!row.same) return { state: 'other-request' };
  return row.status === null ? { state: 'running' } : { state: 'done', answer: { status: row.status, headers: row.headers ?? {}, body: row.body } };
}

export async function keepAnswer(tx: Tx, id: IdempotencyId, answer: StoredAnswer): Promise<void> {
  await sql`
    UPDATE idempotency_keys SET status = ${answer.status}, headers = ${JSON.stringify(answer.headers)}, body = ${answer.body}
    WHERE actor = ${id.actor} AND operation = ${id.operation} AND key = ${id.key}`.execute(tx);
}

export async function deleteExpiredIdempotencyKeys(db: Db, now: Date): Promise<void> {
  await sql`DELETE FROM idempotency_keys WHERE expires_at <= ${now}`.execute(db);
}
