/** Counters of limited subjects, shared by all processes. */
import { sql } from 'kysely';
import type { Db } from './connect.ts';

export interface RateLimitState {
  hits: number;
  /** Seconds until the window ends. */
  resetSeconds: number;
}

/** Counts one hit; the window starts with the first hit after the last window's end. */
export async function countHit(db: Db, bucket: string, windowSeconds: number, now: Date): Promise<RateLimitState> {
  const expiresAt = new Date(now.getTime() + windowSeconds * 1000);
  const { rows } = await sql<{ hits: number; expires_at: string }>`
    INSERT INTO rate_limits AS r (bucket, window_start, hits, expires_at) VALUES (${bucket}, ${now}, 1, ${expiresAt})
    ON CONFLICT (bucket) DO UPDATE SET
      hits = CASE WHEN r.expires_at <= ${now} THEN 1 ELSE r.hits + 1 END,
      window_start = CASE WHEN r.expires_at <= ${now} THEN ${now} ELSE r.window_start END,
      expires_at = CASE WHEN r.expires_at <= ${now} THEN ${expiresAt} ELSE r.expires_at END
    RETURNING hits, expires_at`.execute(db);
  const row = rows[0];
  if (row === undefined) throw new Error('rate limit row missing');
  return { hits: row.hits, resetSeconds: Math.max(0, Math.ceil((Date.parse(row.expires_at) - now.getTime()) / 1000)) };
}

export async function deleteExpiredRateLimits(db: Db, now: Date): Promise<void> {
  await sql`DELETE FROM rate_limits WHERE expires_at <= ${now}`.execute(db);
}
