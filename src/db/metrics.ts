/** What the metrics ask the database: one statement, each part of it answered from an index whatever the installation's size. */
import { sql } from 'kysely';
import type { Db } from './connect.ts';

export interface QueueState {
  queue: string;
  ready: number;
  deferred: number;
  active: number;
  /** For good, as long as they are kept. */
  failed: number;
  /** Of the oldest job that could run; 0 where there is none. */
  oldest_seconds: number;
}

export interface ScanStates {
  queued: number;
  running: number;
  oldest_queued_seconds: number;
  /** Within the last hour, as the two that follow. */
  succeeded: number;
  failed: number;
  cancelled: number;
}

export interface SourceState {
  source: string;
  /** Since it last came; null where it never has. */
  age_seconds: number | null;
  failures: number;
  records: number;
}

export interface InstallationState {
  queues: QueueState[];
  scans: ScanStates;
  sources: SourceState[];
  /** Processes that were seen within a minute. */
  workers: number;
}

export async function installationState(db: Db): Promise<InstallationState> {
  const { rows: [row] } = await sql<InstallationState>`
    WITH live AS ( -- the states as pg-boss's index job_i14 names them
      SELECT name, count(*) FILTER (WHERE state < 'active' AND start_after <= now()) AS ready, count(*) FILTER (WHERE state < 'active' AND start_after > now()) AS deferred,
        count(*) FILTER (WHERE state = 'active') AS active, count(*) FILTER (WHERE state = 'failed') AS failed,
        extract(epoch FROM now() - min(start_after) FILTER (WHERE state < 'active' AND start_after <= now())) AS oldest
      FROM pgboss.job WHERE state IN ('created', 'retry', 'active', 'failed') GROUP BY name
    ), queues AS (
      SELECT q.name AS queue, coalesce(l.ready, 0) AS ready, coalesce(l.deferred, 0) AS deferred, coalesce(l.active, 0) AS active, coalesce(l.failed, 0) AS failed, coalesce(l.oldest, 0) AS oldest_seconds
      FROM pgboss.queue q LEFT JOIN live l ON l.name = q.name ORDER BY q.name
    ), active AS (
      SELECT count(*) FILTER (WHERE status = 'queued') AS queued, count(*) FILTER (WHERE status = 'running') AS running,
        coalesce(extract(epoch FROM now() - min(created_at) FILTER (WHERE status = 'queued')), 0) AS oldest_queued_seconds
      FROM scans WHERE status IN ('queued', 'running')
    ), ended AS (
      SELECT count(*) FILTER (WHERE status = 'succeeded') AS succeeded, count(*) FILTER (WHERE status = 'failed') AS failed, count(*) FILTER (WHERE status = 'cancelled') AS cancelled
      FROM scans WHERE completed_at > now() - interval '1 hour'
    ), sources AS (
      SELECT name AS source, extract(epoch FROM now() - imported_at) AS age_seconds, failures, records FROM advisory_sources WHERE name <> 'files' ORDER BY name
    )
    SELECT (SELECT coalesce(json_agg(queues), '[]') FROM queues) AS queues, (SELECT to_json(s) FROM (SELECT * FROM active, ended) s) AS scans,
      (SELECT coalesce(json_agg(sources), '[]') FROM sources) AS sources, (SELECT count(*)::int FROM worker_processes WHERE seen_at > now() - interval '1 minute') AS workers`.execute(db);
  if (row === undefined) throw new Error('the database told nothing of the installation');
  return row;
}
