/** The health page: each part well, ill and hanging. */
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { isRecord } from '../../src/core/values.ts';
import { recordSourceFailure } from '../../src/db/advisory-sources.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { importFiles, osv } from '../support/advisories.ts';
import { member } from '../support/contract.ts';
import { cycloneDx, sbomForm } from '../support/fixtures.ts';
import { ADMIN, startTestPortal } from '../support/portal.ts';
import { newProject, newUser, queuedScan, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { portal, admin, anonymous, database } = await startTestPortal({ SMTP_URL: 'smtp://127.0.0.1:1' });
const { db } = database;
type Part = Record<string, unknown>;
async function health(client = admin): Promise<{ status: unknown; parts: Map<string, Part>; sources: Map<string, Part> }> {
  const { body } = await client.expect(200, 'getAdminHealth');
  const named = (name: string): Map<string, Part> => {
    const items = member(body, name);
    return new Map(Array.isArray(items) ? items.filter(isRecord).map((item) => [String(item['name']), item]) : []);
  };
  return { status: member(body, 'status'), parts: named('components'), sources: named('vulnerability_sources') };
}
const of = async (name: string): Promise<unknown[]> => {
  const part = (await health()).parts.get(name);
  return [part?.['status'], part?.['value']];
};
const aged = async (name: string, days: number): Promise<unknown> => sql`UPDATE advisory_sources SET imported_at = now() - make_interval(days => ${days}) WHERE name = ${name}`.execute(db);

const test = suite('getAdminHealth');
test('is not there for anyone but a super admin', async () => {
  const { client } = await newUser(anonymous, database, 'team_admin');
  assert.is((await client.call('getAdminHealth')).status, 404);
  assert.is((await anonymous.call('getAdminHealth')).status, 401);
});
test('tells each part', async () => {
  const { parts } = await health();
  assert.equal([...parts.keys()].sort(), ['active_scans', 'backups', 'disk', 'git', 'last_24h_errors', 'mail', 'migrations', 'postgres', 'queue', 'trivy', 'vulnerability_data', 'workers']);
  assert.equal([parts.get('postgres')?.['status'], parts.get('migrations')?.['value'], parts.get('mail')?.['status'], parts.get('workers')?.['value']], ['ok', 0, 'ok', 1]);
  assert.ok(Number(parts.get('disk')?.['value']) > 0);
});
test('vulnerability data is degraded until a source has come, and again when it is old; its age is told', async () => {
  assert.equal(await of('vulnerability_data'), ['degraded', null]);
  await importFiles(portal.services, osv({ id: 'GHSA-health', name: 'health' }));
  assert.equal(await of('vulnerability_data'), ['degraded', null], 'records that came one by one are no source');
  await importFiles(portal.services, JSON.stringify({ catalogVersion: '1', dateReleased: '2024-06-01T10:00:00.000Z', vulnerabilities: [{ cveID: 'CVE-2024-0001', dateAdded: '2024-05-01' }] }));
  assert.equal(await of('vulnerability_data'), ['ok', 0]);
  const { sources } = await health();
  assert.equal([sources.get('kev')?.['status'], sources.get('kev')?.['records'], sources.get('kev')?.['newest_modified_at'], sources.get('files')?.['records']], ['ok', 1, '2024-06-01T10:00:00.000Z', 1]);
  await aged('kev', 6);
  assert.equal(await of('vulnerability_data'), ['ok', 6]);
  await aged('kev', 8);
  assert.equal(await of('vulnerability_data'), ['degraded', 8]);
  assert.is((await health()).sources.get('kev')?.['status'], 'stale');
  await aged('kev', 0);
});
test('an ecosystem that is in use and has never come is named, with the error of the last try', async () => {
  const project = await newProject(admin);
  await scanToEnd(admin, project, sbomForm(cycloneDx([{ purl: 'pkg:npm/health@1.0.0' }, { purl: 'pkg:deb/debian/bash@5.2?distro=debian-12' }])));
  await recordSourceFailure(db, 'osv:npm', 'the mirror is away');
  const { sources, parts } = await health();
  assert.equal([sources.get('osv:npm')?.['status'], sources.get('osv:npm')?.['last_error'], sources.get('osv:npm')?.['last_success_at'], parts.get('vulnerability_data')?.['status']], ['never', 'the mirror is away', null, 'degraded']);
});
test('failed mails and scans are counted', async () => {
  await sql`INSERT INTO pgboss.job (name, state, completed_on) VALUES ('send-mail', 'failed', now()), ('send-mail', 'failed', now() - interval '25 hours')`.execute(db);
  assert.equal(await of('mail'), ['degraded', 1]);
  const project = await newProject(admin);
  await queuedScan(database, project);
  assert.equal(await of('active_scans'), ['ok', 1]);
  await sql`UPDATE scans SET status = 'failed', completed_at = now() WHERE project_id = ${project}`.execute(db);
  assert.equal(await of('last_24h_errors'), ['ok', 1]);
  for (let count = 0; count < 4; count += 1) await sql`INSERT INTO scans (project_id, kind, status, completed_at) VALUES (${project}, 'sbom', 'failed', now())`.execute(db);
  assert.equal(await of('last_24h_errors'), ['degraded', 5]);
});
test('an installation without workers is down; jobs that wait are told, and workers that were seen lately', async () => {
  const { anonymous: nobody, database: own } = await startTestPortal({}, { api: true, worker: false });
  const client = await nobody.signIn(ADMIN.email, ADMIN.password);
  const parts = async (...names: string[]): Promise<unknown[]> => {
    const { parts: found, status } = await health(client);
    return [status, ...names.flatMap((name) => [found.get(name)?.['status'], found.get(name)?.['value']])];
  };
  await sql`DELETE FROM pgboss.job`.execute(own.db);
  await sql`INSERT INTO pgboss.job (name, start_after) VALUES ('sweep-scans', now() - interval '5 minutes'), ('sweep-scans', now() + interval '1 hour')`.execute(own.db);
  await sql`INSERT INTO worker_processes (id, host, pid, started_at, seen_at) VALUES (new_id(), 'gone', 1, now(), now() - interval '61 seconds')`.execute(own.db);
  assert.equal(await parts('workers', 'queue'), ['down', 'down', 0, 'ok', 1]);
  await sql`INSERT INTO pgboss.job (name, start_after) VALUES ('send-mail', now() - interval '16 minutes')`.execute(own.db);
  await sql`INSERT INTO worker_processes (id, host, pid, started_at, seen_at) VALUES (new_id(), 'here', 2, now(), now())`.execute(own.db);
  assert.equal(await parts('workers', 'queue'), ['degraded', 'ok', 1, 'degraded', 2]);
  assert.match(String((await health(client)).parts.get('queue')?.['detail']), /^The oldest, send-mail, has waited for 96\d s\.$/);
});
test('a part that hangs is down within seconds, and the others are told', async () => {
  const begin = performance.now();
  const { parts } = await inTransaction(db, async (tx) => {
    await sql`LOCK TABLE advisory_sources IN ACCESS EXCLUSIVE MODE`.execute(tx);
    return health();
  });
  assert.ok(performance.now() - begin < 5_000);
  assert.equal([parts.get('vulnerability_data')?.['status'], parts.get('postgres')?.['status'], parts.get('migrations')?.['status']], ['down', 'ok', 'ok']);
  assert.equal((await sql`SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`.execute(db)).rows.length, 0, 'nobody waits any longer');
});
test('a full disk is told from the limit on', async () => {
  const full = await startTestPortal({ DISK_HARD_LIMIT_PERCENT: '50' }, { api: true, worker: false });
  const { parts } = await health(await full.anonymous.signIn(ADMIN.email, ADMIN.password));
  const used = Number(parts.get('disk')?.['value']);
  assert.is(parts.get('disk')?.['status'], used >= 50 ? 'down' : used >= 80 ? 'degraded' : 'ok');
});
