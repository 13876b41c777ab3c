/** What the health page asks the database. Each question has its own short time limit, and none touches a large table as a whole. */
import { sql } from 'kysely';
import type { Db, Tx } from './connect.ts';
import { inTransaction } from './transaction.ts';

/** Runs `work` with a limit on each statement, so that a question nobody waits for any longer does not hold a connection. */
export function askBriefly<T>(db: Db, milliseconds: number, work: (tx: Tx) => Promise<T>): Promise<T> {
  return inTransaction(db, async (tx) => {
    await sql`SET LOCAL statement_timeout = ${sql.lit(milliseconds)}`.execute(tx);
    return work(tx);
  });
}

export async function serverVersion(db: Db): Promise<string> {
  return (await sql<{ server_version: string }>`SHOW server_version`.execute(db)).rows[0]?.server_version ?? '';
}

export interface QueueHealth {
  /** Jobs that could run now. */
  ready: number;
  /** Of the oldest of them; null where there is none. */
  oldest: { name: string; seconds: number } | null;
}

export async function queueHealth(db: Db): Promise<QueueHealth> {
  const { rows } = await sql<{ ready: number; name: string | null; seconds: number | null }>`
    WITH ready AS (SELECT name, start_after FROM pgboss.job WHERE state < 'active' AND start_after <= now())
    SELECT (SELECT count(*)::int FROM ready) AS ready, o.name, extract(epoch FROM now() - o.start_after)::float8 AS seconds
    FROM (SELECT 1) one LEFT JOIN (SELECT name, start_after FROM ready ORDER BY start_after LIMIT 1) o ON true`.execute(db);
  const [row] = rows;
  return { ready: row?.ready ?? 0, oldest: row === undefined || row.name === null || row.seconds === null ? null : { name: row.name, seconds: row.seconds } };
}

/** Jobs of this name that were given up within a day, as long as pg-boss keeps them. */
export async function failedJobs(db: Db, name: string): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    SELECT count(*)::int AS count FROM pgboss.job WHERE name = ${name} AND state = 'failed' AND completed_on > now() - interval '1 day'`.execute(db);
  return rows[0]?.count ?? 0;
}

export interface WorkerRow {
  host: string;
  pid: number;
}

/** Worker processes that were seen within so many seconds. */
export async function presentWorkers(db: Db, seconds: number): Promise<WorkerRow[]> {
  return (await sql<WorkerRow>`SELECT host, pid FROM worker_processes WHERE seen_at > now() - make_interval(secs => ${seconds}) ORDER BY host, pid`.execute(db)).rows;
}

export interface Worker extends WorkerRow {
  id: string;
  startedAt: Date;
}

/** Notes that a worker process lives, and forgets those that were not seen for a day. */
export async function noteWorker(db: Db, { id, host, pid, startedAt }: Worker): Promise<void> {
  await sql`
    INSERT INTO worker_processes (id, host, pid, started_at, seen_at) VALUES (${id}, ${host}, ${pid}, ${startedAt}, now())
    ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at`.execute(db);
  await sql`DELETE FROM worker_processes WHERE seen_at < now() - interval '1 day'`.execute(db);
}

export async function forgetWorker(db: Db, id: string): Promise<void> {
  await sql`DELETE FROM worker_processes WHERE id = ${id}`.execute(db);
}

export async function scanHealth(db: Db): Promise<{ queued: number; running: number; failed: number; ended: number }> {
  const { rows } = await sql<{ queued: number; running: number; failed: number; ended: number }>`
    SELECT (SELECT count(*)::int FROM scans WHERE status = 'queued') AS queued, (SELECT count(*)::int FROM scans WHERE status = 'running') AS running,
      count(*) FILTER (WHERE status = 'failed')::int AS failed, count(*) FILTER (WHERE status IN ('failed', 'succeeded'))::int AS ended
    FROM scans WHERE created_at > now() - interval '2 days' AND completed_at > now() - interval '1 day'`.execute(db);
  return rows[0] ?? { queued: 0, running: 0, failed: 0, ended: 0 };
}
