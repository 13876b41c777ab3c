/** Records of one vulnerability under several names: what joins them, and that findings, decisions, histories and ids live through joining and parting. */
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { isRecord } from '../../src/core/values.ts';
import { importFiles, osv, type Described } from '../support/advisories.ts';
import { itemsOf, member } from '../support/contract.ts';
import { cycloneDx, sbomForm } from '../support/fixtures.ts';
import { startTestPortal } from '../support/portal.ts';
import { scannedProject, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { portal, admin, database } = await startTestPortal();
const { db } = database;
let day = 0;
/** Each import is of a later day than the ones before. */
const bring = (...records: Described[]) => {
  day += 1;
  return importFiles(portal.services, ...records.map((record) => osv({ modified: new Date(Date.UTC(2024, 0, day)).toISOString(), ...record })));
};

interface Finding { id: string; cve: string; status: string; version: number; aliases: string[]; detected: string; component: string }
async function findings(project: string): Promise<Finding[]> {
  const { body } = await admin.expect(200, 'listProjectVulnerabilities', { path: { id: project }, query: { sort: 'cve_id' } });
  return itemsOf(body).map((item) => ({
    id: String(item['id']), cve: String(item['cve_id']), status: String(item['status']), version: Number(item['version']), component: String(item['component_version']),
    aliases: Array.isArray(item['aliases']) ? item['aliases'].map(String) : [], detected: String(item['discovered_at']),
  }));
}
const shown = async (project: string): Promise<string[]> => (await findings(project)).map(({ cve, status, component }) => `${cve} ${component} ${status}`).sort();
async function finding(project: string, cve: string): Promise<Finding> {
  const found = (await findings(project)).find((one) => one.cve === cve);
  assert.ok(found, `no finding of ${cve}`);
  return found;
}
interface Event { event: string; from: unknown; to: string; text: string }
async function detail(id: string): Promise<{ id: string; status: string; justification: unknown; history: Event[] }> {
  const { body } = await admin.expect(200, 'getVulnerabilityFinding', { path: { finding_id: id } });
  const events = member(body, 'status_history');
  return {
    id: String(member(body, 'id')), status: String(member(body, 'status')), justification: member(body, 'analysis_justification'),
    history: (Array.isArray(events) ? events.filter(isRecord) : []).map(({ event, previous_status: from, new_status: to, justification }) => ({ event: String(event), from, to: String(to), text: typeof justification === 'string' ? justification : '' })).reverse(),
  };
}
async function decide(project: string, cve: string, status: string, more: Record<string, unknown> = {}): Promise<void> {
  for (const to of ['analyzing', status]) {
    const { id, version } = await finding(project, cve);
    await admin.expect(200, 'updateVulnerabilityFindingStatus', { path: { finding_id: id }, headers: { 'If-Match': `"${version}"` }, json: { status: to, justification: `Decided on ${cve} as ${status}.`, ...(to === status ? more : {}) } });
  }
}
const scanned = (...purls: string[]): Promise<string> => scannedProject(admin, ...purls);

const merge = suite('advisories that become one vulnerability');
merge('of two decisions the newer holds, the older finding stays, the history tells, and the other id leads to it', async () => {
  await bring({ id: 'GHSA-m1', name: 'm1' });
  const project = await scanned('pkg:npm/m1@1.0.0');
  await bring({ id: 'PYSEC-m1', name: 'm1' });
  const [older, younger] = [await finding(project, 'GHSA-m1'), await finding(project, 'PYSEC-m1')];
  await decide(project, 'GHSA-m1', 'not_affected');
  await decide(project, 'PYSEC-m1', 'exploitable');
  await bring({ id: 'PYSEC-m1', name: 'm1', aliases: ['GHSA-m1', 'CVE-2024-1001'] });
  assert.equal(await shown(project), ['CVE-2024-1001 1.0.0 exploitable']);
  const one = await finding(project, 'CVE-2024-1001');
  assert.equal([one.id, one.detected, one.aliases], [older.id, older.detected, ['GHSA-m1', 'PYSEC-m1']]);
  const through = await detail(younger.id);
  assert.equal([through.id, through.justification], [older.id, 'Decided on PYSEC-m1 as exploitable.']);
  const merged = through.history.filter(({ event }) => event === 'merged');
  assert.equal(merged, [{ event: 'merged', from: 'not_affected', to: 'exploitable', text: 'Found to be one with PYSEC-m1, which was exploitable. Of what was decided, the newer holds.' }]);
  assert.is(through.history.filter(({ event }) => event === 'triaged').length, 4, 'both histories');
  const { body } = await admin.expect(200, 'updateVulnerabilityFindingStatus', { path: { finding_id: younger.id }, headers: { 'If-Match': `"${one.version}"` }, json: { status: 'analyzing' } });
  assert.equal([member(body, 'id'), member(body, 'status')], [older.id, 'analyzing']);
});
merge('triage of many takes the ids of merged findings too, and answers by the ids that it was given', async () => {
  await bring({ id: 'GHSA-m6', name: 'm6' });
  const project = await scanned('pkg:npm/m6@1.0.0');
  await bring({ id: 'PYSEC-m6', name: 'm6' });
  const gone = (await finding(project, 'PYSEC-m6')).id;
  await bring({ id: 'PYSEC-m6', name: 'm6', aliases: ['GHSA-m6'] });
  const { body } = await admin.expect(200, 'updateProjectVulnerabilityStatuses', { path: { id: project }, json: { mode: 'report', status: 'analyzing', findings: [{ finding_id: gone }] } });
  const results = member(body, 'results');
  assert.equal(Array.isArray(results) && results.filter(isRecord).map((row) => [row['finding_id'], row['outcome']]), [[gone, 'applied']]);
  assert.equal(await shown(project), ['GHSA-m6 1.0.0 analyzing']);
});
merge('an old If-Match no longer fits: what it was about has changed', async () => {
  await bring({ id: 'GHSA-m2', name: 'm2' }, { id: 'PYSEC-m2', name: 'm2' });
  const project = await scanned('pkg:npm/m2@1.0.0');
  const before = await findings(project);
  await bring({ id: 'PYSEC-m2', name: 'm2', aliases: ['GHSA-m2'] });
  for (const { id, version } of before) await admin.expect(412, 'updateVulnerabilityFindingStatus', { path: { finding_id: id }, headers: { 'If-Match': `"${version}"` }, json: { status: 'analyzing' } });
});
merge('decisions on packages move too, the newer one for all versions, and for versions that come later', async () => {
  await bring({ id: 'GHSA-m3', name: 'm3' }, { id: 'PYSEC-m3', name: 'm3' });
  const project = await scanned('pkg:npm/m3@1.0.0', 'pkg:npm/m3@1.1.0');
  await decide(project, 'GHSA-m3', 'not_affected', { applies_to: 'package' });
  await decide(project, 'PYSEC-m3', 'false_positive', { applies_to: 'package' });
  await bring({ id: 'PYSEC-m3', name: 'm3', aliases: ['GHSA-m3'] });
  assert.equal(await shown(project), ['GHSA-m3 1.0.0 false_positive', 'GHSA-m3 1.1.0 false_positive']);
  await scanToEnd(admin, project, sbomForm(cycloneDx(['pkg:npm/m3@1.0.0', 'pkg:npm/m3@1.1.0', 'pkg:npm/m3@1.2.0'].map((purl) => ({ purl })))));
  assert.ok((await shown(project)).includes('GHSA-m3 1.2.0 false_positive'));
});
merge('a decision on a package reaches versions that only the other record spoke of', async () => {
  await bring({ id: 'GHSA-m4', name: 'm4', introduced: '1.1.0' }, { id: 'PYSEC-m4', name: 'm4', fixed: '1.1.0' });
  const project = await scanned('pkg:npm/m4@1.0.0', 'pkg:npm/m4@1.1.0');
  await decide(project, 'PYSEC-m4', 'not_affected', { applies_to: 'package' });
  assert.equal(await shown(project), ['GHSA-m4 1.1.0 new', 'PYSEC-m4 1.0.0 not_affected']);
  await bring({ id: 'PYSEC-m4', name: 'm4', fixed: '1.1.0', aliases: ['GHSA-m4'] });
  assert.equal(await shown(project), ['GHSA-m4 1.0.0 not_affected', 'GHSA-m4 1.1.0 not_affected']);
});
merge('three groups at once, and again and again, lead all ids to one finding', async () => {
  await bring({ id: 'GHSA-m5', name: 'm5' }, { id: 'PYSEC-m5', name: 'm5' }, { id: 'RUSTSEC-m5', name: 'm5' }, { id: 'GO-m5', name: 'm5' });
  const project = await scanned('pkg:npm/m5@1.0.0');
  const ids = (await findings(project)).map(({ id }) => id);
  await bring({ id: 'PYSEC-m5', name: 'm5', aliases: ['GHSA-m5', 'RUSTSEC-m5'] });
  await bring({ id: 'GO-m5', name: 'm5', aliases: ['PYSEC-m5'] });
  const [only] = await findings(project);
  assert.equal([ids.length, (await findings(project)).length], [4, 1]);
  for (const id of ids) assert.is((await detail(id)).id, only?.id);
});

const split = suite('a vulnerability that becomes two');
const joined = async (name: string): Promise<string> => {
  await bring({ id: `GHSA-${name}`, name, aliases: [`PYSEC-${name}`] }, { id: `PYSEC-${name}`, name });
  return scanned(`pkg:npm/${name}@1.0.0`);
};
split('both parts keep the decision and the age; one has the id, the other a history that says where it comes from', async () => {
  const project = await joined('s1');
  await decide(project, 'GHSA-s1', 'not_affected');
  const before = await finding(project, 'GHSA-s1');
  await bring({ id: 'GHSA-s1', name: 's1' });
  const [first, second] = await findings(project);
  assert.equal([first?.cve, first?.status, first?.id, second?.cve, second?.status, second?.detected], ['GHSA-s1', 'not_affected', before.id, 'PYSEC-s1', 'not_affected', before.detected]);
  const { history, justification } = await detail(second?.id ?? '');
  assert.equal([history.map(({ event }) => event), history[0]?.text, justification], [['split'], 'Was part of GHSA-s1; what was decided on that holds here too.', 'Decided on GHSA-s1 as not_affected.']);
});
split('where only one part still speaks of the version, the finding goes with it, whichever name it had', async () => {
  const project = await joined('s2');
  await decide(project, 'GHSA-s2', 'false_positive');
  const before = await finding(project, 'GHSA-s2');
  await bring({ id: 'GHSA-s2', name: 's2', fixed: '0.5.0' });
  assert.equal(await shown(project), ['PYSEC-s2 1.0.0 false_positive']);
  const { id, history } = await detail(before.id);
  assert.equal([id, history.at(-1)?.event, history.at(-1)?.text], [before.id, 'split', 'Was part of GHSA-s2.']);
});
split('a decision on the package holds for both parts in versions that come later', async () => {
  const project = await joined('s3');
  await decide(project, 'GHSA-s3', 'not_affected', { applies_to: 'package' });
  await bring({ id: 'GHSA-s3', name: 's3' });
  await scanToEnd(admin, project, sbomForm(cycloneDx([{ purl: 'pkg:npm/s3@1.5.0' }])));
  assert.equal((await shown(project)).filter((line) => line.includes('1.5.0')), ['GHSA-s3 1.5.0 not_affected', 'PYSEC-s3 1.5.0 not_affected']);
});
split('what goes over to a vulnerability that is known already decides nothing there', async () => {
  const project = await joined('s4');
  await bring({ id: 'GO-s4', name: 's4', aliases: ['CVE-2024-4004'] });
  await decide(project, 'GHSA-s4', 'not_affected', { applies_to: 'package' });
  await bring({ id: 'GHSA-s4', name: 's4' }, { id: 'PYSEC-s4', name: 's4', aliases: ['CVE-2024-4004'] });
  assert.equal(await shown(project), ['CVE-2024-4004 1.0.0 new', 'GHSA-s4 1.0.0 not_affected']);
  await scanToEnd(admin, project, sbomForm(cycloneDx([{ purl: 'pkg:npm/s4@1.0.0' }, { purl: 'pkg:npm/s4@1.5.0' }])));
  assert.ok((await shown(project)).includes('CVE-2024-4004 1.5.0 new'));
});
split('a record that is withdrawn takes its part away, and no more', async () => {
  const project = await joined('s5');
  const before = await finding(project, 'GHSA-s5');
  await bring({ id: 'GHSA-s5', name: 's5', aliases: ['PYSEC-s5'], withdrawn: '2024-06-01T00:00:00Z' });
  assert.equal((await findings(project)).map(({ id, status }) => [id, status]), [[before.id, 'new']]);
  assert.match((await findings(project))[0]?.cve ?? '', /-s5$/);
});

const rules = suite('what makes records one vulnerability');
rules('no chain joins two CVE ids, whatever comes first; a record that names both does', async () => {
  await bring({ id: 'PYSEC-r1', name: 'r1', aliases: ['GHSA-r1', 'GHSA-r2'] });
  const project = await scanned('pkg:npm/r1@1.0.0');
  await bring({ id: 'GHSA-r1', name: 'r1', aliases: ['CVE-2024-3001'] });
  await bring({ id: 'GHSA-r2', name: 'r1', aliases: ['CVE-2024-3002'] });
  assert.equal((await findings(project)).map(({ cve, aliases }) => [cve, aliases]), [['CVE-2024-3001', ['GHSA-r1', 'PYSEC-r1']], ['CVE-2024-3002', ['GHSA-r2']]]);
  await bring({ id: 'GHSA-r1', name: 'r1' });
  assert.equal((await findings(project)).filter(({ status }) => status === 'new').map(({ cve, aliases }) => [cve, aliases]), [['CVE-2024-3002', ['GHSA-r1', 'GHSA-r2', 'PYSEC-r1']]], 'what the chain was held back by is gone');
  await bring({ id: 'GHSA-r1', name: 'r1', aliases: ['CVE-2024-3001'] });
  await bring({ id: 'PYSEC-r1', name: 'r1', aliases: ['CVE-2024-3001', 'CVE-2024-3002'] });
  assert.equal((await findings(project)).map(({ cve, status }) => [cve, status]), [['CVE-2024-3001', 'new']]);
});
rules('`related` joins nothing', async () => {
  await importFiles(portal.services, { ...osv({ id: 'GHSA-r3', name: 'r3' }), related: ['GHSA-r4', 'CVE-2024-3003'] }, osv({ id: 'GHSA-r4', name: 'r3', aliases: ['CVE-2024-3003'] }));
  assert.equal(await shown(await scanned('pkg:npm/r3@1.0.0')), ['CVE-2024-3003 1.0.0 new', 'GHSA-r3 1.0.0 new']);
});
rules('a bulletin on more than five CVE ids is by itself', async () => {
  const cves = Array.from({ length: 6 }, (_, index) => `CVE-2024-${5000 + index}`);
  await bring({ id: 'BULLETIN-1', name: 'r5', aliases: cves }, { id: 'GHSA-r5', name: 'r5', aliases: cves.slice(0, 1) });
  assert.equal(await shown(await scanned('pkg:npm/r5@1.0.0')), ['BULLETIN-1 1.0.0 new', 'CVE-2024-5000 1.0.0 new']);
});
rules('all orders of the same records give the same vulnerabilities', async () => {
  const records: Described[] = [{ id: 'A-1', aliases: ['B-1'] }, { id: 'B-1', aliases: ['CVE-2024-6001'] }, { id: 'C-1', aliases: ['B-1', 'CVE-2024-6002'] }, { id: 'D-1', aliases: ['A-1', 'C-1'] }, { id: 'E-1', aliases: ['CVE-2024-6002', 'CVE-2024-6003'] }];
  const seen = new Set<string>();
  for (let turn = 0; turn < records.length; turn += 1) {
    const own = [...records.slice(turn), ...records.slice(0, turn)].map((record) => ({ ...record, id: `${record.id}${turn}`, name: `order-${turn}`, aliases: (record.aliases ?? []).map((alias) => `${alias}${turn}`) }));
    for (const record of turn % 2 === 0 ? own : own.toReversed()) await bring(record);
    const { rows } = await sql<{ names: string }>`
      SELECT string_agg(v.external_id || '=' || array_to_string(v.aliases, '+'), ' ' ORDER BY v.external_id) AS names FROM vulnerabilities v WHERE EXISTS (SELECT FROM advisories a JOIN advisory_ranges r ON r.advisory_id = a.id
        WHERE a.vulnerability_id = v.id AND r.match_name = ${`order-${turn}`})`.execute(db);
    seen.add((rows[0]?.names ?? '').replaceAll(/(\d)\d(?=[ =+]|$)/g, '$1'));
  }
  assert.is(seen.size, 1, [...seen].join('\n'));
});
