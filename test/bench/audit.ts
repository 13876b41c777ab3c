/**
 * The audit log with 1,000,000 entries: pages by every filter, and the export of all. Against the list of projects as the baseline.
 * `sh scripts/node.sh test/bench/audit.ts`
 */
import { sql } from 'kysely';
import { startTestPortal } from '../support/portal.ts';
import { suite } from '../support/suite.ts';

const ROWS = 1_000_000;
const BATCH = 50_000;
const ROUNDS = 20;
const { portal, admin, database: { db } } = await startTestPortal({}, { api: true, worker: false });
const get = (path: string): Promise<Response> => fetch(portal.url + path, { headers: { Authorization: `Bearer ${admin.token ?? ''}` } });

async function measure(path: string): Promise<void> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = performance.now();
    await (await get(path)).arrayBuffer();
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  console.log(`| \`${path}\` | ${(times[ROUNDS / 2] ?? 0).toFixed(1)} | ${(times[Math.floor(ROUNDS * 0.95)] ?? 0).toFixed(1)} |`);
}

async function exportAll(): Promise<void> {
  const memory = (): number => Math.round(process.memoryUsage().rss / 1024 / 1024);
  const [start, before] = [performance.now(), memory()];
  const body: ReadableStream<Uint8Array> = (await get('/v1/admin/audit/export.csv')).body ?? new ReadableStream();
  let [bytes, lines, peak] = [0, 0, before];
  for await (const chunk of body) {
    bytes += chunk.length;
    for (const byte of chunk) if (byte === 10) lines += 1;
    peak = Math.max(peak, memory());
  }
  const seconds = (performance.now() - start) / 1000;
  console.log(`export: ${lines} lines, ${Math.round(bytes / 1024 / 1024)} MiB in ${seconds.toFixed(1)} s (${Math.round(lines / seconds)} a second), memory ${before} MiB before, ${peak} MiB at most, with the client`);
}

async function bench(): Promise<void> {
  for (let from = 1; from <= ROWS; from += BATCH) await sql`
    INSERT INTO audit_log (actor_kind, actor_user_id, actor_email, team_id, operation, action, target_table, target_id, request_id, ip, user_agent, diff, created_at)
    SELECT 'user', ('00000000-0000-4000-8000-' || lpad((n % 500)::text, 12, '0'))::uuid, 'user-' || n % 500 || '@example.com', ('00000000-0000-4000-9000-' || lpad((n % 50)::text, 12, '0'))::uuid,
      (ARRAY['updateProject', 'createScan', 'updateVulnerabilityFindingStatus', 'createApiKey'])[1 + n % 4], (ARRAY['update', 'create', 'update', 'delete'])[1 + n % 4], (ARRAY['projects', 'scans', 'findings', 'api_keys'])[1 + n % 4],
      ('00000000-0000-4000-a000-' || lpad((n % 20000)::text, 12, '0')), 'request-' || n, '192.0.2.1', 'curl/8.10.1', jsonb_build_object('name', jsonb_build_array('Before ' || n, 'After ' || n)), now() - n * interval '7 seconds'
    FROM generate_series(${sql.lit(from)}, ${sql.lit(from + BATCH - 1)}) n`.execute(db);
  await sql`VACUUM (ANALYZE) audit_log`.execute(db);
  const user = '00000000-0000-4000-8000-000000000007';
  await measure('/v1/projects');
  for (const query of ['', '?sort=created_at', '?offset=10000', `?actor_user_id=${user}`, '?team_id=00000000-0000-4000-9000-000000000007', '?target_table=api_keys', '?target_table=api_keys&target_table=scans', '?target_id=00000000-0000-4000-a000-000000000007',
    '?action=delete', '?request_id=request-4711', '?from=2026-01-01T00:00:00Z&to=2026-06-01T00:00:00Z', '?q=After%204711', `?actor_user_id=${user}&action=update&q=after`]) await measure(`/v1/admin/audit${query}`);
  await exportAll();
}

suite('audit')('bench', bench, { timeoutMs: 900_000 });
