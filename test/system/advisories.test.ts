/** Importing advisories into a portal that has scanned already: findings of all projects follow, whatever comes first. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { SourceError } from '../../src/advisories/read.ts';
import { isRecord } from '../../src/core/values.ts';
import { importAdvisories } from '../../src/domain/advisories/import.ts';
import type { ImportReport } from '../../src/domain/advisories/report.ts';
import { importFiles, osv } from '../support/advisories.ts';
import { itemsOf, member } from '../support/contract.ts';
import { cycloneDx, sbomForm } from '../support/fixtures.ts';
import { authFrame, watch } from '../support/live.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, scannedProject, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';
import { zipOf, type ZipEntry } from '../support/zip.ts';

const { portal, admin, database } = await startTestPortal();

async function findings(project: string): Promise<string[]> {
  const { body } = await admin.expect(200, 'listProjectVulnerabilities', { path: { id: project }, query: { sort: 'cve_id' } });
  return itemsOf(body).map((item) => `${String(item['cve_id'])} ${String(item['status'])} ${String(item['fixed_version'])}`);
}

const scanned = (name: string): Promise<string> => scannedProject(admin, `pkg:npm/${name}@1.0.0`);

const test = suite('importAdvisories');
test('a project that was scanned before the advisory came has the finding', async () => {
  const project = await scanned('early');
  assert.equal(await findings(project), []);
  const report = await importFiles(portal.services, osv({ id: 'GHSA-early', aliases: ['CVE-2024-0100'], name: 'early' }));
  assert.equal([report.changed, report.rematched, report.findingsOpened], [1, 1, 1]);
  assert.equal(await findings(project), ['CVE-2024-0100 new 2.0.0']);
});
test('half characters, of the record or where a text is cut, undo no import', async () => {
  const project = await scanned('halves');
  const record = JSON.stringify({ ...osv({ id: 'GHSA-halves', name: 'halves' }), summary: 'a\ud800b', details: 'x' + '\u{1f600}'.repeat(100_000) });
  assert.equal([(await importFiles(portal.services, record)).changed, await findings(project)], [1, ['GHSA-halves new 2.0.0']]);
});
test('the same import again changes nothing', async () => {
  const project = await scanned('again');
  const document = osv({ id: 'GHSA-again', name: 'again' });
  await importFiles(portal.services, document);
  const report = await importFiles(portal.services, document);
  assert.equal([report.records, report.changed, report.rematched, await findings(project)], [1, 0, 0, ['GHSA-again new 2.0.0']]);
});
test('a record that no longer affects the version, or is withdrawn, resolves the finding; an older one is passed over', async () => {
  const project = await scanned('narrow');
  await importFiles(portal.services, osv({ id: 'GHSA-narrow', name: 'narrow' }));
  const report = await importFiles(portal.services, osv({ id: 'GHSA-narrow', name: 'narrow', fixed: '0.9.0', modified: '2024-02-01T00:00:00Z' }));
  assert.equal([report.findingsResolved, await findings(project)], [1, ['GHSA-narrow fixed null']]);
  assert.is((await importFiles(portal.services, osv({ id: 'GHSA-narrow', name: 'narrow' }))).changed, 0);
  await importFiles(portal.services, osv({ id: 'GHSA-narrow', name: 'narrow', modified: '2024-03-01T00:00:00Z' }));
  assert.equal(await findings(project), ['GHSA-narrow new 2.0.0']);
  await importFiles(portal.services, osv({ id: 'GHSA-narrow', name: 'narrow', modified: '2024-04-01T00:00:00Z', withdrawn: '2024-04-01T00:00:00Z' }));
  assert.equal(await findings(project), ['GHSA-narrow fixed null']);
});
test('two records become one vulnerability when a third says so; the decided finding stays, and they part again', async () => {
  const project = await scanned('merged');
  await importFiles(portal.services, osv({ id: 'GHSA-merged', name: 'merged' }), osv({ id: 'PYSEC-merged', name: 'merged', fixed: '3.0.0' }));
  assert.equal(await findings(project), ['GHSA-merged new 2.0.0', 'PYSEC-merged new 3.0.0']);
  await sql`UPDATE findings SET status = 'not_affected', analyzed_at = now() FROM vulnerabilities v WHERE v.id = vulnerability_id AND v.external_id = 'PYSEC-merged'`.execute(database.db);
  await importFiles(portal.services, osv({ id: 'GO-merged', name: 'elsewhere', aliases: ['GHSA-merged', 'PYSEC-merged', 'CVE-2024-0200'] }));
  assert.equal(await findings(project), ['CVE-2024-0200 not_affected 3.0.0']);
  await importFiles(portal.services, osv({ id: 'GO-merged', name: 'elsewhere', aliases: ['CVE-2024-0200'], modified: '2024-02-01T00:00:00Z' }));
  assert.equal(await findings(project), ['GHSA-merged not_affected 2.0.0', 'PYSEC-merged not_affected 3.0.0']);
});
test('CISA\'s catalogue marks vulnerabilities, whichever comes first', async () => {
  const catalogue = (...ids: string[]): object => ({ catalogVersion: '1', vulnerabilities: ids.map((cveID) => ({ cveID, dateAdded: '2024-05-01', dueDate: '2024-05-22' })) });
  await importFiles(portal.services, osv({ id: 'GHSA-k1', aliases: ['CVE-2024-0301'], name: 'k1' }));
  await importFiles(portal.services, catalogue('CVE-2024-0301', 'CVE-2024-0302'));
  await importFiles(portal.services, osv({ id: 'GHSA-k2', aliases: ['CVE-2024-0302'], name: 'k2' }));
  const listed = async (): Promise<unknown> => (await sql<{ ids: string[] }>`SELECT array_agg(external_id ORDER BY external_id) AS ids FROM vulnerabilities WHERE kev_added_on = '2024-05-01'`.execute(database.db)).rows[0]?.ids;
  assert.equal(await listed(), ['CVE-2024-0301', 'CVE-2024-0302']);
  await importFiles(portal.services, catalogue('CVE-2024-0302'));
  assert.equal(await listed(), ['CVE-2024-0302']);
});
test('a broken record is reported, the others are imported', async () => {
  const report = await importFiles(portal.services, '{ broken', { id: 'no-affected', modified: '2024-01-01T00:00:00Z' }, { modified: '2024-01-01T00:00:00Z' }, osv({ id: 'GHSA-good', name: 'good' }));
  assert.equal([report.records, report.changed, report.refused, report.faults.length], [2, 2, 2, 2]);
});
test('nothing at the place is said, and changes nothing', async () => {
  await importAdvisories(portal.services, path.join(tmpdir(), 'there-is-no-such-folder'), () => undefined).then(
    () => assert.unreachable('it should have thrown'),
    (error: unknown) => assert.instance(error, SourceError),
  );
});
test('scans and imports at the same time lose no finding', async () => {
  const names = Array.from({ length: 8 }, (_, index) => `race-${index}`);
  const projects = await Promise.all(names.map(async () => newProject(admin)));
  const scans = names.map((name, index) => admin.expect(202, 'createScan', { path: { id: projects[index] ?? '' }, form: sbomForm(cycloneDx([{ purl: `pkg:npm/${name}@1.0.0` }])) }));
  await Promise.all([...scans, ...names.map((name) => importFiles(portal.services, osv({ id: `GHSA-${name}`, name })))]);
  for (const scan of scans) await watch(portal.url, `/ws/scans/${String(member((await scan).body, 'id'))}`, authFrame(admin.token ?? ''));
  for (const [index, name] of names.entries()) assert.equal(await findings(projects[index] ?? ''), [`GHSA-${name} new 2.0.0`]);
});
test('only current scans count: what an older scan of the ref had is fixed, another ref keeps it', async () => {
  await importFiles(portal.services, osv({ id: 'GHSA-ref', name: 'ref' }));
  const project = await newProject(admin);
  const vulnerable = cycloneDx([{ purl: 'pkg:npm/ref@1.0.0' }]);
  const clean = cycloneDx([{ purl: 'pkg:npm/ref@2.0.0' }]);
  const status = async (): Promise<unknown> => (await sql<{ status: string }>`SELECT status FROM findings WHERE project_id = ${project}`.execute(database.db)).rows.map((row) => row.status);
  await scanToEnd(admin, project, sbomForm(vulnerable, { ref: 'main' }));
  await scanToEnd(admin, project, sbomForm(vulnerable, { ref: 'release' }));
  await scanToEnd(admin, project, sbomForm(clean, { ref: 'main' }));
  assert.equal(await status(), ['new']);
  await scanToEnd(admin, project, sbomForm(clean, { ref: 'release' }));
  assert.equal(await status(), ['fixed']);
});

const hostile = suite('importAdvisories with bad input');
const zipped = async (entries: readonly ZipEntry[], name = 'npm'): Promise<ImportReport> => {
  const folder = await mkdtemp(path.join(tmpdir(), 'sca-portal-zip-'));
  try {
    await writeFile(path.join(folder, `${name}.zip`), zipOf(entries));
    return await importAdvisories(portal.services, path.join(folder, `${name}.zip`), () => undefined);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
const json = (record: object): string => JSON.stringify(record);
const source = async (name: string): Promise<unknown> => (await sql<{ records: number; refused: number }>`SELECT records, refused FROM advisory_sources WHERE name = ${name}`.execute(database.db)).rows[0];
hostile('records without ids, of wrong types, with wrong ranges and events in any order: each is refused or kept by what can be used, and told', async () => {
  const project = await scanned('mixed');
  const ranged = (id: string, ...events: object[]): object => ({ id, modified: '2024-01-01T00:00:00Z', affected: [{ package: { ecosystem: 'npm', name: 'mixed' }, ranges: [{ type: 'SEMVER', events }] }] });
  const report = await importFiles(
    portal.services, { modified: '2024-01-01T00:00:00Z' }, { id: 7 }, '[]', '"text"', 'null', { id: '../../etc/passwd' }, ranged('M-fixed-first', { fixed: '2.0.0' }, { introduced: '0' }),
    ranged('M-no-version', { introduced: 'one' }, { fixed: '2.0.0' }), ranged('M-backwards', { introduced: '2.0.0' }, { fixed: '1.0.0' }), ranged('M-only-fixed', { fixed: '2.0.0' }),
    ranged('M-wrong-types', { introduced: 0 }, { fixed: ['2'] }), { id: 'M-null', affected: [null, { package: null, ranges: 'all', versions: { a: 1 } }], aliases: 'CVE-2024-1', references: 7, severity: {} },
  );
  assert.equal([report.records, report.refused], [6, 6]);
  assert.equal(await findings(project), ['M-fixed-first new 2.0.0']);
  for (const part of ["'one' is no version of npm", 'the event "introduced" has no version', '"modified"']) assert.ok(report.faults.some((fault) => fault.includes(part)), part);
});
hostile('a record of many megabytes is bounded, one beyond the bound refused', async () => {
  const long = 'x'.repeat(3_000_000);
  const huge = { ...osv({ id: 'GHSA-huge', name: 'huge' }), summary: long, details: long, references: Array.from({ length: 5_000 }, (_, index) => ({ type: 'WEB', url: `https://example.com/${index}` })), related: Array.from({ length: 50_000 }, () => 'CVE-2024-1') };
  const wide = { id: 'GHSA-wide', modified: '2024-01-01T00:00:00Z', affected: Array.from({ length: 20_001 }, () => ({ package: { ecosystem: 'npm', name: 'wide' } })) };
  const report = await zipped([{ name: 'huge.json', content: json(huge) }, { name: 'wide.json', content: json(wide) }, { name: 'beyond.json', content: json(osv({ id: 'GHSA-beyond' })), size: 70_000_000 }]);
  assert.equal([report.records, report.refused], [1, 2]);
  const { rows } = await sql<{ bytes: number }>`SELECT length(facts::text) AS bytes FROM advisories WHERE id = 'GHSA-huge'`.execute(database.db);
  assert.ok(Number(rows[0]?.bytes) < 40_000);
});
hostile('a zip with other files, and one whose name the directory repeats', async () => {
  const report = await zipped([{ name: 'logo.png', content: Buffer.alloc(100, 0xff) }, { name: 'GHSA-z.json', content: json(osv({ id: 'GHSA-z' })) }, { name: 'GHSA-z.json', content: json(osv({ id: 'GHSA-z', fixed: '3.0.0' })) }, { name: 'x.json', content: Buffer.from([0xc3, 0x28]) }], 'Other');
  assert.equal([report.records, report.changed, report.refused, await source('osv:Other')], [2, 1, 1, { records: 2, refused: 1 }]);
});
hostile('the same export again is passed over as a whole; one changed record is found, also when its length and time are the same', async () => {
  const records = (fixed: string): ZipEntry[] => Array.from({ length: 20 }, (_, index) => ({ name: `${index}.json`, content: json(osv({ id: `GHSA-same-${index}`, name: 'same', fixed: index === 7 ? fixed : '2.0.0' })) }));
  const project = await scanned('same');
  assert.equal([(await zipped(records('2.0.0'), 'Same')).changed, (await zipped(records('2.0.0'), 'Same')).changed], [20, 0]);
  assert.is((await zipped(records('0.1.0'), 'Same')).changed, 1);
  assert.ok((await findings(project)).includes('GHSA-same-7 fixed null'));
  assert.is((await zipped(records('2.0.0'), 'Same')).changed, 1, 'and back');
  assert.equal(await source('osv:Same'), { records: 20, refused: 0 });
});
hostile('imports of the same and of other records at once, each is applied once', async () => {
  const reports = await Promise.all(Array.from({ length: 6 }, (_, index) => importFiles(portal.services, osv({ id: 'GHSA-once', name: 'once' }), osv({ id: `GHSA-own-${index}`, name: 'once', aliases: ['GHSA-once'] }))));
  assert.is(reports.reduce((sum, { changed }) => sum + changed, 0), 7);
  const { rows } = await sql<{ n: number }>`SELECT count(DISTINCT vulnerability_id)::int AS n FROM advisories WHERE id = 'GHSA-once' OR id LIKE 'GHSA-own-%'`.execute(database.db);
  assert.is(rows[0]?.n, 1);
});
hostile('scores are those of the best CVE id, leave with their entries, and 100,000 of them come in seconds', async () => {
  await importFiles(portal.services, osv({ id: 'GHSA-scored', name: 'scored', aliases: ['CVE-2024-7001', 'CVE-2024-7002'] }));
  const project = await scanned('scored');
  const many = Array.from({ length: 100_000 }, (_, index) => `CVE-2020-${index + 1000},0.001,0.01`).join('\n');
  const epss = (date: string, ...lines: string[]): string => `#model_version:v1,score_date:${date}T00:00:00+0000\ncve,epss,percentile\n${lines.join('\n')}\n${many}\n`;
  const scores = async (): Promise<unknown[]> => {
    const { body } = await admin.expect(200, 'listProjectVulnerabilities', { path: { id: project } });
    return itemsOf(body).map((item) => [item['epss_score'], item['epss_percentile'], isRecord(item['priority']) ? item['priority']['epss'] : item['priority']]);
  };
  await importFiles(portal.services, epss('2024-01-01', 'CVE-2024-7001,0.04,0.5', 'CVE-2024-7002,0.25,0.9'));
  const [first] = await scores();
  assert.equal(Array.isArray(first) && first.slice(0, 2), [0.25, 0.9]);
  const begin = performance.now();
  await importFiles(portal.services, epss('2024-01-02', 'CVE-2024-7001,0.04,0.5'));
  assert.ok(performance.now() - begin < 20_000);
  assert.equal((await scores()).map((one) => Array.isArray(one) && one.slice(0, 2)), [[0.04, 0.5]]);
  const stale = await importFiles(portal.services, epss('2024-01-01', 'CVE-2024-7001,0.9,0.9'));
  assert.equal([stale.refused, stale.predictions], [1, 0]);
});
