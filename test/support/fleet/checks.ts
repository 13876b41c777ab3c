/** What must be true of the database while processes die, and when all is over. */
import { sql } from 'kysely';
import type { Db } from '../../../src/db/connect.ts';
import { pause } from '../../../src/core/values.ts';
import type { Accepted } from './load.ts';
import { partsOf } from './people.ts';

/** Writes down each change of a scan's state, so that a second end of one scan would be seen. */
export async function watchStates(db: Db): Promise<void> {
  await sql`CREATE TABLE seen_states (scan_id uuid NOT NULL, status text NOT NULL)`.execute(db);
  await sql`CREATE FUNCTION see_state() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO seen_states VALUES (NEW.id, NEW.status); RETURN NULL; END $$`.execute(db);
  await sql`CREATE TRIGGER see_state AFTER UPDATE OF status ON scans FOR EACH ROW WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION see_state()`.execute(db);
}

/** The most that was seen at any moment. */
export interface Peaks {
  activePerTeam: number;
  activePerRef: number;
  socketsPerUser: number;
  connections: number;
  samples: number;
}

/** Looks at the limits until the signal aborts. */
export async function samplePeaks(db: Db, everyMs: number, signal: AbortSignal): Promise<Peaks> {
  const peaks: Peaks = { activePerTeam: 0, activePerRef: 0, socketsPerUser: 0, connections: 0, samples: 0 };
  while (!signal.aborted) {
    const { rows } = await sql<Omit<Peaks, 'samples'>>`
      SELECT coalesce((SELECT max(n) FROM (SELECT count(*)::int AS n FROM scans s JOIN projects p ON p.id = s.project_id WHERE s.status IN ('queued', 'running') GROUP BY p.team_id) t), 0) AS "activePerTeam",
        coalesce((SELECT max(n) FROM (SELECT count(*)::int AS n FROM scans WHERE status IN ('queued', 'running') GROUP BY project_id, coalesce(ref, '')) r), 0) AS "activePerRef",
        coalesce((SELECT max(n) FROM (SELECT count(*)::int AS n FROM live_sockets GROUP BY user_id) s), 0) AS "socketsPerUser",
        (SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'sca-portal%') AS connections`.execute(db);
    for (const name of ['activePerTeam', 'activePerRef', 'socketsPerUser', 'connections'] as const) peaks[name] = Math.max(peaks[name], rows[0]?.[name] ?? 0);
    peaks.samples += 1;
    await pause(everyMs);
  }
  return peaks;
}

/** Waits until no scan waits or runs, no job is active, and all that has happened was told and mailed; when each of them was so for the first time to stay, in ms. */
export async function settle(db: Db, timeoutMs: number): Promise<{ settled: boolean; ms: Record<string, number> }> {
  const begin = Date.now();
  const ms: Record<string, number> = { scans: 0, notices: 0, mails: 0, jobs: 0 };
  for (const end = begin + timeoutMs; Date.now() < end; await pause(200)) {
    const { rows } = await sql<Record<string, number>>`
      SELECT (SELECT count(*)::int FROM scans WHERE status IN ('queued', 'running')) AS scans, (SELECT count(*)::int FROM notices) AS notices,
        (SELECT count(*)::int FROM notifications WHERE mail_due_at IS NOT NULL) AS mails, (SELECT count(*)::int FROM pgboss.job WHERE state = 'active') AS jobs`.execute(db);
    const left = Object.entries(rows[0] ?? {}).filter(([, count]) => count > 0);
    if (left.length === 0) return { settled: true, ms };
    for (const [name] of left) ms[name] = Date.now() - begin;
    const active = await sql<{ name: string }>`SELECT DISTINCT name FROM pgboss.job WHERE state = 'active'`.execute(db);
    for (const { name } of active.rows) ms[`job ${name}`] = Date.now() - begin;
  }
  return { settled: false, ms };
}

/** Faults of the scans, by what is wrong; empty where every accepted scan ended once, with its own components, and none was made twice. */
export async function scanFaults(db: Db, accepted: readonly Accepted[]): Promise<string[]> {
  const { rows } = await sql<{ id: string; ref: string; status: string; ends: number; purls: string[]; told: number; audits: number }>`
    SELECT s.id, s.ref, s.status, (SELECT count(*)::int FROM seen_states t WHERE t.scan_id = s.id AND t.status IN ('succeeded', 'failed', 'cancelled')) AS ends,
      ARRAY(SELECT c.purl FROM scan_components sc JOIN components c ON c.id = sc.component_id WHERE sc.scan_id = s.id ORDER BY c.purl COLLATE "C") AS purls,
      (SELECT count(*)::int FROM notifications n WHERE n.kind IN ('scan_completed', 'scan_failed') AND n.target_id = s.id::text) AS told,
      (SELECT count(*)::int FROM audit_log a WHERE a.target_table = 'scans' AND a.action = 'create' AND a.target_id = s.id::text) AS audits
    FROM scans s`.execute(db);
  const found = new Map(rows.map((row) => [row.id, row]));
  const faults: string[] = [];
  for (const { id, upload, end } of accepted) {
    const scan = found.get(id);
    if (scan === undefined) faults.push(`scan ${id} was accepted and is lost`);
    else if (scan.status !== 'succeeded') faults.push(`scan ${id} is ${scan.status}`);
    else if (scan.purls.join() !== partsOf(upload, scan.purls.length).map(({ purl }) => purl).sort().join()) faults.push(`scan ${id} has other components than its upload`);
    if (end !== undefined && scan !== undefined && end !== scan.status) faults.push(`scan ${id} is ${scan.status}, its followers were told ${end}`);
  }
  for (const { id, ref, ends, told, audits } of rows) if (ends !== 1 || told !== 1 || audits !== 1) faults.push(`scan ${id} (${ref}) ended ${ends} times, was told ${told} times, has ${audits} rows of audit`);
  const twice = new Map(rows.filter(({ ref }) => ref.startsWith('upload-')).map(({ ref }) => [ref, 0]));
  for (const { ref } of rows) if (twice.has(ref)) twice.set(ref, (twice.get(ref) ?? 0) + 1);
  for (const [ref, times] of twice) if (times > 1) faults.push(`${ref} made ${times} scans`);
  return faults;
}

/** What a process that ended must not leave: sessions, locks of sessions, transactions that are open, leases that hold, jobs that nobody runs. */
export async function leftovers(db: Db): Promise<string[]> {
  const { rows } = await sql<{ what: string }>`
    SELECT format('connection %s, %s', application_name, state) AS what FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'sca-portal%'
    UNION ALL SELECT format('advisory lock %s %s', classid, objid) FROM pg_locks l WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    UNION ALL SELECT format('lease %s', name) FROM leases WHERE until > clock_timestamp()
    UNION ALL SELECT format('prepared transaction %s', gid) FROM pg_prepared_xacts
    UNION ALL SELECT format('%s jobs %s of %s', count(*), state, name) FROM pgboss.job WHERE state IN ('active', 'failed') OR (name = 'give-up-scan') GROUP BY name, state`.execute(db);
  return rows.map(({ what }) => what);
}
