/** Keeping vulnerability data current from a mirror: what is fetched and what is not, what findings follow, and mirrors that misbehave. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { isRecord } from '../../src/core/values.ts';
import { lockMatching } from '../../src/db/matches.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { syncAdvisories } from '../../src/domain/advisories/sync.ts';
import { importFiles } from '../support/advisories.ts';
import { itemsOf } from '../support/contract.ts';
import { cycloneDx, sbomForm } from '../support/fixtures.ts';
import type { Misbehaviour } from '../support/mirror.ts';
import { newProject, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';
import { changes, epss, kev, outcome, record, startSyncedPortal } from '../support/synced-portal.ts';
import { zipOf } from '../support/zip.ts';

const { portal: { services }, admin, database, mirror, logged, publish, sync } = await startSyncedPortal();
const { config } = services;
const only = { KEV_URL: 'off', EPSS_URL: 'off', VULNDB_ECOSYSTEMS: ['npm'] };
async function findings(project: string): Promise<string[]> {
  const { body } = await admin.expect(200, 'listProjectVulnerabilities', { path: { id: project }, query: { sort: 'cve_id' } });
  return itemsOf(body).map((item) => `${String(item['cve_id'])} ${String(item['status'])} kev=${String(item['kev'])} epss=${String(item['epss_score'])}`);
}
const inUse = (): Promise<string[]> => readdir(path.join(config.DATA_DIR, 'vulndb'));

const good = suite('syncAdvisories');
const base = [record({ id: 'GHSA-one', aliases: ['CVE-2024-0001'], name: 'one' }), record({ id: 'GHSA-two', name: 'two' })];
let project = '';
good('before there are components, no ecosystem is fetched; then the one that they are of, and findings follow', async () => {
  publish(base);
  mirror.put('/kev.json', kev('CVE-2024-0001', 'CVE-2024-0002'));
  mirror.put('/epss.csv.gz', epss(['CVE-2024-0001', 0.5]));
  assert.equal((await sync()).map(({ source, error }) => [source, error]), [['kev', null], ['epss', null]]);
  project = await newProject(admin);
  await scanToEnd(admin, project, sbomForm(cycloneDx([{ purl: 'pkg:npm/one@1.0.0' }, { purl: 'pkg:npm/two@3.0.0' }])));
  mirror.seen();
  assert.equal((await sync()).map(({ source, error }) => [source, error]), [['kev', null], ['epss', null], ['osv:npm', null]]);
  assert.equal(mirror.seen(), ['/epss.csv.gz 304', '/kev.json 304', '/osv/npm/all.zip 200', '/osv/npm/modified_id.csv 200']);
  assert.equal(await findings(project), ['CVE-2024-0001 new kev=true epss=0.5']);
});
good('when nothing has changed, one question an ecosystem is asked', async () => {
  await sync(only);
  mirror.seen();
  assert.is(changes(await sync(only)), 0);
  assert.equal(mirror.seen(), ['/osv/npm/modified_id.csv 304']);
});
good('a changed and a new record are fetched by themselves', async () => {
  publish([record({ id: 'GHSA-two', name: 'two', fixed: '4.0.0', modified: '2024-02-01T00:00:00.123456Z' }), record({ id: 'GHSA-three', name: 'one' }), ...base.slice(0, 1)], base);
  mirror.seen();
  assert.is(changes(await sync(only)), 2);
  assert.equal(mirror.seen(), ['/osv/npm/GHSA-three.json 200', '/osv/npm/GHSA-two.json 200', '/osv/npm/modified_id.csv 200']);
  assert.equal(await findings(project), ['CVE-2024-0001 new kev=true epss=0.5', 'GHSA-three new kev=false epss=null', 'GHSA-two new kev=false epss=null']);
  await sync(only);
  assert.equal(mirror.seen(), ['/osv/npm/modified_id.csv 304']);
});
good('what a list named and the mirror did not have is asked for again', async () => {
  publish([record({ id: 'GHSA-late', name: 'one', fixed: '9.0.0' }), ...base]);
  mirror.put('/osv/npm/GHSA-late.json', null);
  assert.is(outcome(await sync(only), 'osv:npm'), null);
  mirror.put('/osv/npm/GHSA-late.json', record({ id: 'GHSA-late', name: 'one', fixed: '9.0.0' }).text);
  assert.is(changes(await sync(only)), 1);
});
good('many changed records come as the whole export, and what that lacks by itself', async () => {
  const many = Array.from({ length: 300 }, (_, index) => record({ id: `GHSA-many-${index}`, name: 'many' }));
  publish([...many, ...base], [...many.slice(1), ...base]);
  mirror.seen();
  assert.is(changes(await sync(only)), 300);
  assert.equal(mirror.seen(), ['/osv/npm/GHSA-many-0.json 200', '/osv/npm/all.zip 200', '/osv/npm/modified_id.csv 200']);
});
good('a mirror without lists is read by its exports, and with a list of ecosystems all of them are kept', async () => {
  publish([record({ id: 'GHSA-plain', name: 'plain' })], undefined, 'Red Hat');
  mirror.put('/osv/Red Hat/modified_id.csv', null);
  publish([], base, 'PyPI');
  mirror.put('/osv/PyPI/modified_id.csv', null);
  mirror.put('/osv/ecosystems.txt', 'Red Hat\nRed Hat:enterprise_linux:9\nPyPI\n../etc\n');
  const outcomes = await sync({ ...only, VULNDB_ECOSYSTEMS: 'all' });
  assert.equal(outcomes.map(({ source, error }) => [source, error]), [['osv:Red Hat', null], ['osv:PyPI', null]]);
  mirror.seen();
  await sync({ ...only, VULNDB_ECOSYSTEMS: 'all' });
  assert.equal(mirror.seen(), ['/osv/PyPI/all.zip 304', '/osv/PyPI/modified_id.csv 404', '/osv/Red Hat/all.zip 304', '/osv/Red Hat/modified_id.csv 404', '/osv/ecosystems.txt 200']);
});
good('CISA takes an entry out, EPSS changes: findings follow', async () => {
  mirror.put('/kev.json', kev('CVE-2024-0002'));
  mirror.put('/epss.csv.gz', epss(['CVE-2024-0001', 0.25], ['CVE-2024-0009', 0.1]));
  await sync();
  assert.ok((await findings(project)).includes('CVE-2024-0001 new kev=false epss=0.25'));
});
good('a source is due by its interval, and one that failed sooner at first', async () => {
  await sync(only);
  const after = (minutes: number) => () => new Date(Date.now() + minutes * 60_000);
  assert.equal([(await sync(only, false, after(59))).length, (await sync(only, false, after(61))).length], [0, 1]);
  await sync(only);
  mirror.put('/osv/npm/modified_id.csv', (_request, response) => void response.writeHead(500).end());
  await sync(only);
  assert.equal([(await sync(only, false, after(4))).length, (await sync(only, false, after(6))).length], [0, 1]);
  assert.is((await sync(only, false, after(6))).length, 0, 'the second retry waits longer');
  publish(base);
  await sync(only);
});
good('two at once do not clash', async () => {
  publish([record({ id: 'GHSA-twice', name: 'one', fixed: '8.0.0' }), ...base]);
  const outcomes = await Promise.all([sync(only), sync(only), sync(only)]);
  assert.equal(outcomes.flat().map(({ error }) => error), [null, null, null]);
  assert.is(changes(outcomes.flat()), 1);
});
good('a new way to read records reads the whole export again', async () => {
  await sql`UPDATE advisory_sources SET validators = (SELECT jsonb_object_agg(key, value || '{"reader": -1}') FROM jsonb_each(validators)), digest = NULL WHERE name = 'osv:npm'`.execute(database.db);
  mirror.seen();
  await sync(only);
  assert.equal(mirror.seen(), ['/osv/npm/all.zip 200', '/osv/npm/modified_id.csv 200']);
});
good('no folder is left, and no password is in the log or the database', async () => {
  assert.equal(await inUse(), []);
  const { rows } = await sql<{ text: string }>`SELECT s::text AS text FROM advisory_sources s`.execute(database.db);
  assert.not.ok([...logged, ...rows.map(({ text }) => text)].some((line) => line.includes('secret')));
});
good('the job runs it where the settings say so, one at a time', async () => {
  const { rows } = await sql<{ policy: string; cron: string }>`SELECT q.policy, s.cron FROM pgboss.queue q JOIN pgboss.schedule s ON s.name = q.name WHERE q.name = 'sync-vulndb'`.execute(database.db);
  assert.equal(rows, [{ policy: 'exclusive', cron: '* * * * *' }]);
});

const bad = suite('syncAdvisories with mirrors that misbehave');
const answers = (status: number, headers: Record<string, string>, body: string | Buffer = ''): Misbehaviour => (_request, response) => void response.writeHead(status, headers).end(body);
const failing = async (answer: Misbehaviour | string | Buffer | null, over: Partial<typeof config> = {}): Promise<string> => {
  mirror.put('/osv/bad/all.zip', answer);
  await sql`DELETE FROM advisory_sources WHERE name = 'osv:bad'`.execute(database.db);
  const [one] = await sync({ ...only, VULNDB_ECOSYSTEMS: ['bad'], ...over });
  assert.ok(one?.error, 'it should have failed');
  const { rows } = await sql<{ error: string; failures: number; imported: boolean }>`SELECT error, failures, imported_at IS NOT NULL AS imported FROM advisory_sources WHERE name = 'osv:bad'`.execute(database.db);
  assert.equal(rows, [{ error: one.error, failures: 1, imported: false }]);
  return one.error.replaceAll(mirror.url, '<mirror>');
};
bad('errors, pages instead of files, empty and broken exports are told, and change nothing', async () => {
  assert.is(await failing(null), '<mirror>/osv/bad/all.zip: there is nothing');
  assert.is(await failing(answers(503, {})), '<mirror>/osv/bad/all.zip: the server answered 503');
  assert.match(await failing('<html>Please log in</html>'), /all\.zip .*(?:central directory|invalid|End)/i);
  assert.is(await failing(zipOf([])), 'nothing was in it');
  const whole = zipOf([{ name: 'GHSA-cut.json', content: record({ id: 'GHSA-cut', name: 'one' }).text }, { name: 'b.json', content: '{' }]);
  assert.match(await failing(whole.subarray(0, whole.length - 30)), /all\.zip /);
  assert.match(await failing(answers(200, { 'Content-Length': String(whole.length + 10) }, whole)), /no answer \(aborted\)/);
  assert.is((await sql`SELECT 1 FROM advisories WHERE id = 'GHSA-cut'`.execute(database.db)).rows.length, 0);
});
bad('a catalogue that is empty all at once takes nothing away', async () => {
  mirror.put('/kev.json', JSON.stringify({ catalogVersion: '2', vulnerabilities: [] }));
  assert.is(outcome(await sync({ EPSS_URL: 'off', VULNDB_ECOSYSTEMS: [] }), 'kev'), 'nothing was in it');
  assert.is((await sql`SELECT 1 FROM exploited_vulnerabilities`.execute(database.db)).rows.length, 1);
});
bad('redirects are followed as far as they are allowed', async () => {
  assert.match(await failing(answers(302, { Location: 'http://169.254.169.254/latest/meta-data' })), /169\.254\.169\.254\/latest\/meta-data: The host 169\.254\.169\.254 leads to an address of a private or local network/);
  assert.match(await failing(answers(302, { Location: 'http://[::ffff:10.0.0.1]/' })), /private or local network/);
  assert.match(await failing(answers(302, { Location: 'file:///etc/passwd' })), /leads to file:\/\/, which is not followed/);
  assert.match(await failing(answers(302, { Location: '/osv/bad/all.zip' })), /leads on more than 5 times/);
  mirror.put('/elsewhere.zip', zipOf([{ name: 'GHSA-led.json', content: record({ id: 'GHSA-led', name: 'led' }).text }]));
  mirror.put('/osv/bad/all.zip', answers(307, { Location: '../../elsewhere.zip' }));
  assert.is(changes(await sync({ ...only, VULNDB_ECOSYSTEMS: ['bad'] })), 1);
});
bad('a failing source says so once in the log, and keeps no other from coming', async () => {
  logged.length = 0;
  mirror.put('/osv/gone/all.zip', answers(500, {}));
  publish([record({ id: 'GHSA-beside', name: 'beside' }), ...base]);
  for (let round = 0; round < 3; round += 1) {
    const outcomes = await sync({ ...only, VULNDB_ECOSYSTEMS: ['gone', 'npm'] });
    assert.equal([outcome(outcomes, 'osv:npm'), typeof outcome(outcomes, 'osv:gone')], [null, 'string']);
  }
  const warnings = logged.map((line): unknown => JSON.parse(line)).filter((line) => isRecord(line) && Number(line['level']) >= 40 && String(line['msg']).includes('vulnerability data'));
  assert.is(warnings.length, 1);
});
bad('one that stops while a mirror hangs stops at once, and is no failure', async () => {
  const controller = new AbortController();
  mirror.put('/osv/hangs/all.zip', (_request, response) => {
    response.writeHead(200).write('PK');
    setImmediate(() => controller.abort(new Error('stopping')));
  });
  const running = syncAdvisories({ ...services, config: { ...config, ...only, VULNDB_ECOSYSTEMS: ['hangs'] } }, { force: true, signal: controller.signal, onProgress: () => undefined });
  await running.then(() => assert.unreachable(), (error: unknown) => assert.is(error instanceof Error && error.message, 'stopping'));
  assert.equal([(await sql`SELECT 1 FROM advisory_sources WHERE name = 'osv:hangs'`.execute(database.db)).rows.length, await inUse()], [0, []]);
});
bad('an older catalogue or older scores than the portal has are refused', async () => {
  await importFiles(services, `#model_version:v1,score_date:2025-01-01T00:00:00+0000\ncve,epss,percentile\nCVE-2024-0001,0.9,0.9\n`);
  mirror.put('/epss.csv.gz', epss(['CVE-2024-0001', 0.1]));
  assert.match(String(outcome(await sync({ EPSS_URL: config.EPSS_URL, KEV_URL: 'off', VULNDB_ECOSYSTEMS: [] }), 'epss')), /is of 2024-06-01.*older than what the portal has/);
  assert.ok((await findings(project)).some((line) => line.startsWith('CVE-2024-0001') && line.endsWith('epss=0.9')));
});
bad('while a scan publishes, a sync waits and then goes on', async () => {
  publish([record({ id: 'GHSA-waits', name: 'one', fixed: '7.0.0' }), ...base]);
  let done = false;
  const running = await inTransaction(database.db, async (tx) => {
    await lockMatching(tx, 'shared');
    const started = sync(only).finally(() => { done = true; });
    for (let waits = 0; waits === 0; ) waits = (await sql`SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`.execute(tx)).rows.length;
    assert.not.ok(done);
    return { started };
  });
  assert.is(changes(await running.started), 1);
});
