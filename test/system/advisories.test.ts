/** Importing advisories into a portal that has scanned already: findings of all projects follow, whatever comes first. */
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { SourceError } from '../../src/advisories/read.ts';
import { isRecord } from '../../src/core/values.ts';
import { importAdvisories } from '../../src/domain/advisories/import.ts';
import { importFiles, osv } from '../support/advisories.ts';
import { member } from '../support/contract.ts';
import { cycloneDx, sbomForm } from '../support/fixtures.ts';
import { authFrame, watch } from '../support/live.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { portal, admin, database } = await startTestPortal();

async function findings(project: string): Promise<string[]> {
  const { body } = await admin.expect(200, 'listProjectVulnerabilities', { path: { id: project }, query: { sort: 'cve_id' } });
  const items = member(body, 'items');
  return Array.isArray(items) ? items.filter(isRecord).map((item) => `${String(item['cve_id'])} ${String(item['status'])} ${String(item['fixed_version'])}`) : [];
}

async function scanned(name: string): Promise<string> {
  const project = await newProject(admin);
  await scanToEnd(admin, project, sbomForm(cycloneDx([{ purl: `pkg:npm/${name}@1.0.0` }])));
  return project;
}

const test = suite('importAdvisories');
test('a project that was scanned before the advisory came has the finding', async () => {
  const project = await scanned('early');
  assert.equal(await findings(project), []);
  const report = await importFiles(portal.services, osv({ id: 'GHSA-early', aliases: ['CVE-2024-0100'], name: 'early' }));
  assert.equal([report.changed, report.rematched, report.findingsOpened], [1, 1, 1]);
  assert.equal(await findings(project), ['CVE-2024-0100 new 2.0.0']);
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
