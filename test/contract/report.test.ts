/** The human report: figures that agree with the API, safe whatever things are called, and whole without a scan. */
import { createHash } from 'node:crypto';
import * as assert from 'uvu/assert';
import { importFiles, osv } from '../support/advisories.ts';
import { member } from '../support/contract.ts';
import { cycloneDx, sbomForm } from '../support/fixtures.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, queuedScan, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { portal, admin, database } = await startTestPortal();
const CRITICAL = 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H';
await importFiles(portal.services, { ...osv({ id: 'GHSA-q1', aliases: ['CVE-2024-7001'], name: 'alpha', cvss: CRITICAL }), summary: '<img src=x onerror=alert(1)>' }, osv({ id: 'GHSA-q2', name: 'beta' }),
  { catalogVersion: '1', vulnerabilities: [{ cveID: 'CVE-2024-7001', dateAdded: '2024-05-01', dueDate: '2024-05-22' }] });
const part = (name: string, license?: string) => ({ purl: `pkg:npm/${name}@1.0.0`, ...(license === undefined ? {} : { license }) });
const scan = (id: string, ...parts: { purl: string; license?: string }[]) => scanToEnd(admin, id, sbomForm(cycloneDx(parts), { ref: 'main' }));
const report = (id: string, query: Record<string, string | boolean> = {}) => admin.expect(200, 'getProjectReport', { path: { id }, query });
/** As a reader sees it. */
const textOf = (html: string): string => html.replaceAll(/<style>[\s\S]*?<\/style>|<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ');

const test = suite('getProjectReport');
test('tells the gate, the figures, the most urgent findings, licences, obligations and the trend', async () => {
  const id = await newProject(admin, { name: 'Shop', distribution: 'distributed' });
  await scan(id, part('gamma', 'MIT'));
  await scan(id, part('alpha', 'MIT'), part('beta', 'GPL-3.0-only'), part('delta'));
  const answer = await report(id);
  assert.equal(['Content-Type', 'Content-Disposition'].map((name) => answer.headers.get(name)), ['text/html; charset=utf-8', `inline; filename="${String(member((await admin.expect(200, 'getProject', { path: { id } })).body, 'slug'))}-report.html"`]);
  const text = textOf(answer.text);
  for (const words of ['Gate failed', '3 components', '2 open vulnerabilities', '1 critical or high', 'Critical 1 High 0', 'Unknown 1', 'CVE-2024-7001 known exploited', 'Critical 9.8', 'alpha 1.0.0', '2.0.0', 'Vulnerabilities over the last 2 scans', 'GPL-3.0-only', 'No licence known', 'Attribution', 'KEV Fail', 'alpha 1.0.0 direct 1 1 critical or high Critical 2.0.0', 'beta 1.0.0 transitive 1 Unknown 2.0.0']) {
    assert.ok(text.includes(words), `${words} in ${text}`);
  }
  const gate = await admin.expect(200, 'getProjectGateResult', { path: { id } });
  assert.ok(text.includes(String(member(gate.body, 'reason'))));
  assert.match(answer.text, /aria-label="Vulnerabilities by scan: \d\d[:-]\d\d: 0; \d\d[:-]\d\d: 2 \(critical 1, unknown 1\)"/);
});
test('names the version that leaves no vulnerability, not the one that leaves others, and says where there is none', async () => {
  await importFiles(portal.services, osv({ id: 'GHSA-u1', name: 'twice', fixed: '1.5.0' }), osv({ id: 'GHSA-u2', name: 'twice', fixed: '3.0.0' }),
    { id: 'GHSA-u3', modified: '2024-01-01T00:00:00Z', affected: [{ package: { ecosystem: 'npm', name: 'never' }, ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }] }] }] });
  const id = await newProject(admin);
  await scan(id, part('twice'), part('never'));
  const text = textOf((await report(id)).text);
  for (const words of ['twice 1.0.0 direct 2 Unknown 3.0.0', 'never 1.0.0 transitive 1 Unknown no known version without vulnerabilities']) assert.ok(text.includes(words), `${words} in ${text}`);
});
test('runs and loads nothing, and its style is the one that its policy allows', async () => {
  const id = await newProject(admin, { name: '"><script>alert(1)</script>', description: "'><svg onload=alert(2)>" });
  await scan(id, part('alpha', 'MIT'));
  const { text, headers } = await report(id);
  const [, style = ''] = /<style>([\s\S]*?)<\/style>/.exec(text) ?? [];
  assert.is(headers.get('Content-Security-Policy')?.split(';')[1]?.trim(), `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`);
  assert.not.match(text, /<script|<img|<svg onload| style=|(?:src|srcset)=(?!x)|@import|url\(/i);
  assert.equal([...text.matchAll(/href="([^"]*)"/g)].map(([, url]) => url), ['https://osv.dev/vulnerability/CVE-2024-7001']);
});
test('has a tag that changes with what it tells, and is an attachment where asked for', async () => {
  const id = await newProject(admin);
  const { id: first } = await scan(id, part('alpha', 'MIT'));
  const tag = (await report(id)).headers.get('ETag') ?? '';
  await admin.expect(304, 'getProjectReport', { path: { id }, headers: { 'If-None-Match': tag } });
  const { body } = await admin.expect(200, 'listProjectVulnerabilities', { path: { id } });
  await admin.expect(200, 'updateVulnerabilityFindingStatus', { path: { finding_id: String(member(body, 'items', 0, 'id')) }, headers: { 'If-Match': '1' }, json: { status: 'suppressed', justification: 'Not used in any build.' } });
  const later = await report(id, { download: true });
  assert.is.not(later.headers.get('ETag'), tag);
  assert.match(later.headers.get('Content-Disposition') ?? '', /^attachment; /);
  assert.ok(textOf(later.text).includes('0 open vulnerabilities'));
  await scan(id, part('gamma', 'MIT'));
  const pages = await Promise.all([first, undefined].map(async (scan_id) => (await report(id, scan_id === undefined ? {} : { scan_id })).headers.get('ETag')));
  assert.is.not(pages[0], pages[1]);
});
test('says so where nothing was scanned yet, and refuses a scan without results', async () => {
  const id = await newProject(admin);
  const text = textOf((await report(id)).text);
  for (const words of ['No result yet', 'Not scanned yet', '0 components', 'No open findings.']) assert.ok(text.includes(words), words);
  await admin.refused('scan-not-finished', 'getProjectReport', { path: { id }, query: { scan_id: await queuedScan(database, id) } });
});
