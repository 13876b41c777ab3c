/**
 * Services outside that may be away. Who would have to wait for one asks here first; all processes share what each has seen. Closed after a success; open after some
 * failures in a row, for a pause in which nobody asks; then half-open: one asks, the others do as if it were open, and what comes of it closes or opens it again, for twice as long.
 */
import { sql } from 'kysely';
import type { Db } from './connect.ts';

/** Failures in a row that open it. */
export const BREAKER_FAILURES = 3;
const FIRST_PAUSE_S = 30;
const LONGEST_PAUSE_S = 900;

export interface BreakerRow {
  failures: number;
  /** RFC 3339; null where it is closed. */
  open_until: string | null;
  /** The pause is over: who comes next, or is on the way, is the probe. */
  half_open: boolean;
  error: string | null;
  failed_at: string | null;
  succeeded_at: string | null;
}

/** Undefined where nobody has asked yet. */
export async function findBreaker(db: Db, name: string): Promise<BreakerRow | undefined> {
  const { rows } = await sql<BreakerRow>`
    SELECT failures, open_until, coalesce(open_until <= clock_timestamp(), false) AS half_open, error, failed_at, succeeded_at FROM circuit_breakers WHERE name = ${name}`.execute(db);
  return rows[0];
}

/** May the service be asked now? @param seconds how long that takes at most, after which another may be the probe */
export async function enterBreaker(db: Db, name: string, seconds: number): Promise<boolean> {
  const { rows } = await sql<{ admitted: boolean }>`
    WITH probe AS (
      UPDATE circuit_breakers SET probe_until = clock_timestamp() + make_interval(secs => ${seconds})
      WHERE name = ${name} AND open_until <= clock_timestamp() AND (probe_until IS NULL OR probe_until < clock_timestamp()) RETURNING 1
    )
    SELECT EXISTS (SELECT FROM probe) OR NOT EXISTS (SELECT FROM circuit_breakers WHERE name = ${name} AND open_until IS NOT NULL) AS admitted`.execute(db);
  return rows[0]?.admitted === true;
}

export async function recordServiceSuccess(db: Db, name: string): Promise<void> {
  await sql`
    INSERT INTO circuit_breakers (name, succeeded_at) VALUES (${name}, clock_timestamp())
    ON CONFLICT (name) DO UPDATE SET failures = 0, openings = 0, open_until = NULL, probe_until = NULL, error = NULL, succeeded_at = excluded.succeeded_at`.execute(db);
}

/** One that was under way when another opened it counts, but makes the pause no longer. */
export async function recordServiceFailure(db: Db, name: string, message: string): Promise<void> {
  const opens = sql`(b.failures + 1 >= ${sql.lit(BREAKER_FAILURES)} AND (b.open_until IS NULL OR b.open_until <= clock_timestamp()))`;
  await sql`
    INSERT INTO circuit_breakers AS b (name, failures, error, failed_at) VALUES (${name}, 1, ${message}, clock_timestamp())
    ON CONFLICT (name) DO UPDATE SET failures = b.failures + 1, error = excluded.error, failed_at = excluded.failed_at, probe_until = NULL,
      openings = CASE WHEN ${opens} THEN b.openings + 1 ELSE b.openings END,
      open_until = CASE WHEN ${opens} THEN clock_timestamp() + make_interval(secs => least(${sql.lit(LONGEST_PAUSE_S)}, ${sql.lit(FIRST_PAUSE_S)} * 2 ^ least(b.openings, 10))) ELSE b.open_until END`.execute(db);
}

/** Who asked stopped before anything was known of the service. */
export async function leaveBreaker(db: Db, name: string): Promise<void> {
  await sql`UPDATE circuit_breakers SET probe_until = NULL WHERE name = ${name} AND probe_until IS NOT NULL`.execute(db);
}
