/** First answers to requests with an Idempotency-Key. */
import { sql } from 'kysely';
import type { Db } from './connect.ts';

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

/** Claims the key for this request, or says what became of the first. A claim that its process did not live to finish lapses. */
export async function claimIdempotencyKey(db: Db, id: IdempotencyId, fingerprint: Buffer, now: Date, lockSeconds: number, keepSeconds: number): Promise<Claim> {
  const later = (seconds: number): Date => new Date(now.getTime() + seconds * 1000);
  const claimed = await sql`
    INSERT INTO idempotency_keys AS k (actor, operation, key, fingerprint, locked_until, expires_at)
    VALUES (${id.actor}, ${id.operation}, ${id.key}, ${fingerprint}, ${later(lockSeconds)}, ${later(keepSeconds)})
    ON CONFLICT (actor, operation, key) DO UPDATE SET
      fingerprint = excluded.fingerprint, status = NULL, headers = NULL, body = NULL, locked_until = excluded.locked_until, expires_at = excluded.expires_at
    WHERE k.expires_at <= ${now} OR (k.status IS NULL AND k.locked_until <= ${now})
    RETURNING 1`.execute(db);
  if (claimed.rows.length > 0) return { state: 'claimed' };
  const { rows } = await sql<{ same: boolean; status: number | null; headers: Record<string, string | string[]> | null; body: string | null }>`
    SELECT fingerprint = ${fingerprint} AS same, status, headers, body FROM idempotency_keys
    WHERE actor = ${id.actor} AND operation = ${id.operation} AND key = ${id.key}`.execute(db);
  const row = rows[0];
  if (row === undefined) return { state: 'running' };
  if (!row.same) return { state: 'other-request' };
  return row.status === null ? { state: 'running' } : { state: 'done', answer: { status: row.status, headers: row.headers ?? {}, body: row.body } };
}

export async function keepAnswer(db: Db, id: IdempotencyId, answer: StoredAnswer): Promise<void> {
  await sql`
    UPDATE idempotency_keys SET status = ${answer.status}, headers = ${JSON.stringify(answer.headers)}, body = ${answer.body}
    WHERE actor = ${id.actor} AND operation = ${id.operation} AND key = ${id.key}`.execute(db);
}

/** A request that failed gives its key free, so that the client can mend and send it again. */
export async function releaseIdempotencyKey(db: Db, id: IdempotencyId): Promise<void> {
  await sql`DELETE FROM idempotency_keys WHERE actor = ${id.actor} AND operation = ${id.operation} AND key = ${id.key} AND status IS NULL`.execute(db);
}

export async function deleteExpiredIdempotencyKeys(db: Db, now: Date): Promise<void> {
  await sql`DELETE FROM idempotency_keys WHERE expires_at <= ${now}`.execute(db);
}
