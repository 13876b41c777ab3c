/** SBOMs as documents of their standards: valid by the official schemas, with what NTIA asks for, and with what people and files say of licences. */
import { sql } from 'kysely';
import * as assert from 'uvu/assert';
import { isRecord } from '../../src/core/values.ts';
import { exportSbom } from '../../src/domain/documents/sbom.ts';
import { importFiles, osv } from '../support/advisories.ts';
import { member } from '../support/contract.ts';
import { fileForm, sbomForm, tarGz } from '../support/fixtures.ts';
import { faultsOfJson, faultsOfXml } from '../support/official-schemas.ts';
import { contentOf } from '../support/sbom-content.ts';
import { faultsOfSpdx } from '../support/spdx-schema.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, queuedScan, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { portal, admin, database } = await startTestPortal();
await importFiles(portal.services, osv({ id: 'GHSA-d1', aliases: ['CVE-2024-6001'], name: 'alpha', cvss: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H', cwes: ['CWE-79'] }), osv({ id: 'GHSA-d2', name: 'alpha', cvss: 'CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N' }));

const component = (name: string, more: object = {}) => ({ type: 'library', 'bom-ref': name, name, version: '1.0.0', purl: `pkg:npm/${name}@1.0.0`, ...more });
/** Of everything that components can have. */
const RICH = JSON.stringify({
  bomFormat: 'CycloneDX', specVersion: '1.6', version: 1, metadata: { component: { type: 'application', 'bom-ref': 'root', name: 'shop', version: '1' } },
  components: [
    component('alpha', { supplier: { name: 'Alpha & Söhne <gmbh>' }, licenses: [{ license: { id: 'MIT' } }], copyright: 'Copyright 2020 Ada\nCopyright 2021 Bob', hashes: [{ alg: 'SHA-256', content: 'a'.repeat(64) }, { alg: 'SHA-1', content: 'b'.repeat(41) }], description: 'x "y" <z> \u{1f600}' }),
    component('beta', { scope: 'optional', licenses: [{ license: { name: 'House licence', text: { content: 'Do as you like in this house.\nBut wipe your feet.' } } }] }),
    component('gamma', { type: 'framework', properties: [{ name: 'cdx:npm:package:development', value: 'true' }], licenses: [{ expression: '(MIT OR Apache-2.0) AND LicenseRef-other' }] }),
    { type: 'library', 'bom-ref': 'deb', name: 'libssl3', version: '3.0.11-1', purl: 'pkg:deb/debian/libssl3@3.0.11-1?arch=amd64', properties: [{ name: 'aquasecurity:trivy:SrcName', value: 'openssl' }, { name: 'aquasecurity:trivy:SrcVersion', value: '3.0.11-1' }] },
    { type: 'operating-system', 'bom-ref': 'os', name: 'debian', version: '12.4' }, component('bare', { version: '' , purl: 'pkg:npm/bare' }),
  ],
  dependencies: [{ ref: 'root', dependsOn: ['alpha', 'beta'] }, { ref: 'alpha', dependsOn: ['gamma', 'deb'] }, { ref: 'gamma', dependsOn: ['alpha'] }],
});
const project = await newProject(admin, { name: 'Shop & <Co>', description: 'Sells "things"' });
assert.is((await scanToEnd(admin, project, sbomForm(RICH))).status, 'succeeded');
const FORMATS = ['cyclonedx-json', 'cyclonedx-xml', 'spdx-json', 'spdx-tv'] as const;
const list = (value: unknown): Record<string, unknown>[] => (Array.isArray(value) ? value.filter(isRecord) : []);
const componentIds = new Map(list(member((await admin.expect(200, 'listProjectComponents', { path: { id: project } })).body, 'items')).map((one) => [String(one['name']), String(one['id'])]));
await admin.expect(200, 'replaceConcludedLicense', { path: { component_id: componentIds.get('gamma') ?? '' }, json: { expression: 'Apache-2.0', justification: 'as its repository says' } });

const sbom = async (format: string, id = project): Promise<string> => (await admin.expect(200, 'getProjectSbom', { path: { id }, query: { format } })).text;
const named = (rows: unknown, name: string): Record<string, unknown> => list(rows).find((one) => one['name'] === name) ?? {};

const test = suite('getProjectSbom, as a document');
test('CycloneDX in JSON and XML is valid by the official schemas, full, empty, and as VEX', async () => {
  const empty = await newProject(admin);
  for (const id of [project, empty]) {
    assert.equal(faultsOfJson(JSON.parse(await sbom('cyclonedx-json', id))), []);
    assert.equal(await faultsOfXml(await sbom('cyclonedx-xml', id)), []);
    assert.equal(faultsOfJson(JSON.parse((await admin.expect(200, 'getProjectVex', { path: { id }, query: { format: 'cyclonedx' } })).text)), []);
  }
  assert.is.not(faultsOfJson({ bomFormat: 'CycloneDX', specVersion: '1.6', components: [{ name: 'x' }] }).length, 0, 'the validator finds faults');
  assert.is.not((await faultsOfXml('<bom xmlns="http://cyclonedx.org/schema/bom/1.6"><nonsense/></bom>')).length, 0);
});
test('CycloneDX says who answers for it, suppliers, copyrights, texts, and what is declared, concluded and found', async () => {
  const body: unknown = JSON.parse(await sbom('cyclonedx-json'));
  assert.type(member(body, 'metadata', 'authors', 0, 'name'), 'string');
  const components = member(body, 'components');
  const alpha = named(components, 'alpha');
  assert.equal([member(alpha, 'supplier', 'name'), alpha['copyright'], alpha['licenses']], ['Alpha & Söhne <gmbh>', 'Copyright 2020 Ada\nCopyright 2021 Bob', [{ license: { id: 'MIT', acknowledgement: 'declared' } }]]);
  const gamma = named(components, 'gamma');
  assert.equal(gamma['licenses'], [{ license: { id: 'Apache-2.0', acknowledgement: 'concluded' } }]);
  assert.equal(member(named(components, 'beta'), 'licenses', 0, 'license', 'text', 'content'), 'Do as you like in this house.\nBut wipe your feet.');
  assert.equal(gamma['properties'], [{ name: 'sca-portal:scope', value: 'dev' }, { name: 'sca-portal:declared-license', value: '(MIT OR Apache-2.0) AND LicenseRef-other' }]);
});
test('SPDX has the mandatory fields of 2.3 and the minimum elements of NTIA, in JSON and tag-value alike', async () => {
  const body: unknown = JSON.parse(await sbom('spdx-json'));
  assert.equal(['spdxVersion', 'dataLicense', 'SPDXID', 'name'].map((name) => member(body, name)), ['SPDX-2.3', 'CC0-1.0', 'SPDXRef-DOCUMENT', 'Shop & <Co>']);
  assert.match(String(member(body, 'documentNamespace')), /^https:\/\/[^#]+$/);
  assert.match(String(member(body, 'creationInfo', 'created')), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  const creators = member(body, 'creationInfo', 'creators');
  assert.ok(Array.isArray(creators) && creators.some((one) => /^Organization: .+/.test(String(one))) && creators.some((one) => /^Tool: .+-\d/.test(String(one))));
  const packages = list(member(body, 'packages'));
  for (const one of packages) {
    assert.match(String(one['SPDXID']), /^SPDXRef-[A-Za-z0-9.-]+$/);
    for (const field of ['name', 'downloadLocation', 'supplier', 'licenseDeclared', 'licenseConcluded', 'copyrightText']) assert.type(one[field], 'string', field);
    assert.is(one['filesAnalyzed'], false);
  }
  assert.equal(faultsOfSpdx(body), []);
  assert.is.not(faultsOfSpdx({ spdxVersion: 'SPDX-2.3', packages: [{ SPDXID: 'x' }] }).length, 0, 'the schema finds faults');
  const ids = new Set(['SPDXRef-DOCUMENT', ...packages.map((one) => one['SPDXID'])]);
  assert.is(ids.size, packages.length + 1);
  const relationships = list(member(body, 'relationships'));
  assert.ok(relationships.every((one) => ids.has(one['spdxElementId']) && ids.has(one['relatedSpdxElement'])));
  assert.ok(relationships.some((one) => one['relationshipType'] === 'DESCRIBES'));
  assert.match(String(named(packages, 'Shop & <Co>')['supplier']), /^Organization: ./);
  const [alpha, gamma] = [named(packages, 'alpha'), named(packages, 'gamma')];
  assert.equal([alpha['supplier'], alpha['copyrightText'], alpha['licenseDeclared'], alpha['licenseConcluded']], ['Organization: Alpha & Söhne <gmbh>', 'Copyright 2020 Ada\nCopyright 2021 Bob', 'MIT', 'NOASSERTION']);
  assert.equal([gamma['licenseDeclared'], gamma['licenseConcluded']], ['(MIT OR Apache-2.0) AND LicenseRef-other', 'Apache-2.0']);
  const extracted = list(member(body, 'hasExtractedLicensingInfos'));
  assert.equal(extracted.map((one) => one['licenseId']), ['LicenseRef-House-licence', 'LicenseRef-other']);
  assert.is(extracted[0]?.['extractedText'], 'Do as you like in this house.\nBut wipe your feet.');
  const text = await sbom('spdx-tv');
  for (const line of ['PackageCopyrightText: <text>Copyright 2020 Ada\nCopyright 2021 Bob</text>', 'PackageLicenseConcluded: Apache-2.0', 'PackageCopyrightText: NOASSERTION', 'PrimaryPackagePurpose: OPERATING-SYSTEM', 'ExtractedText: <text>Do as you like in this house.\nBut wipe your feet.</text>']) assert.ok(text.includes(line), line);
});
test('what files were found to say is evidence, and not what is declared, on the way back either', async () => {
  const id = await newProject(admin);
  const mit = 'Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the following conditions:\n\nThe above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.\n\nTHE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.\n';
  const lock = JSON.stringify({ name: 'app', lockfileVersion: 3, packages: { '': { name: 'app', dependencies: { alpha: '1.0.0' } }, 'node_modules/alpha': { version: '1.0.0' } } });
  await scanToEnd(admin, id, fileForm('archive', await tarGz({ 'package-lock.json': lock, 'node_modules/alpha/package.json': '{"name":"alpha","version":"1.0.0"}', 'node_modules/alpha/LICENSE': `Copyright 2020 Ada\n\n${mit}` }), 'source.tar.gz'));
  const [json, xml] = [await sbom('cyclonedx-json', id), await sbom('cyclonedx-xml', id)];
  const alpha = named(member(JSON.parse(json), 'components'), 'alpha');
  assert.equal([alpha['licenses'], member(alpha, 'evidence', 'licenses')], [undefined, [{ license: { id: 'MIT' } }]]);
  assert.equal([faultsOfJson(JSON.parse(json)), await faultsOfXml(xml)], [[], []]);
  assert.equal(named(member(JSON.parse(await sbom('spdx-json', id)), 'packages'), 'alpha')['licenseComments'], "Found in the package's files: MIT");
  for (const text of [json, xml]) {
    const copy = await newProject(admin);
    await scanToEnd(admin, copy, sbomForm(text));
    assert.is(member((await admin.expect(200, 'listProjectComponents', { path: { id: copy } })).body, 'items', 0, 'license'), null);
  }
});
test('a package of a distribution is written with its source package and release, as other tools look for them, and read back under its own name', async () => {
  const full = 'pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&distro=debian-12.4&upstream=openssl%403.0.11-1';
  const cyclonedx = named(member(JSON.parse(await sbom('cyclonedx-json')), 'components'), 'libssl3');
  assert.equal([cyclonedx['purl'], cyclonedx['properties']], [full, [{ name: 'sca-portal:installed', value: 'distro=debian-12.4&upstream=openssl%403.0.11-1' }]]);
  assert.is(member(named(member(JSON.parse(await sbom('spdx-json')), 'packages'), 'debian/libssl3'), 'externalRefs', 0, 'referenceLocator'), full);
});
test('what goes out in any format comes in the same: components, versions, licences, scopes, hashes, suppliers, copyrights, source packages and edges', async () => {
  const expected = await contentOf(database.db, project);
  assert.is(expected.length, 6 + 3);
  for (const format of FORMATS) {
    const copy = await newProject(admin);
    await scanToEnd(admin, copy, sbomForm(await sbom(format), { format }));
    assert.equal(await contentOf(database.db, copy), expected, format);
  }
});
test('whatever texts hold, documents are valid and come in the same', async () => {
  const odd = `<!-- ]]> & "'\`\\ \u0001\u0085\u2028\ufffe\uffff\u{1f600} \u202e é &#0; %2F`;
  const hostile = [
    component(odd, { purl: undefined, group: '/a//b/', version: odd, supplier: { name: odd }, description: `${odd}\n${odd}`, copyright: `${odd}\r\n${odd}`, licenses: [{ license: { name: odd, text: { content: odd } } }] }),
    component('blank', { purl: 'pkg:npm/%20@1' }), component('data', { type: 'data', scope: 'excluded' }), component('sub', { purl: 'pkg:golang/example.com/m@v1#a/b', licenses: [{ expression: 'GPL-2.0+ WITH Classpath-exception-2.0' }] }),
    component('rpm', { purl: 'pkg:rpm/redhat/NetworkManager@1.0?epoch=1', properties: [{ name: 'aquasecurity:trivy:SrcName', value: odd }, { name: 'sca-portal:installed', value: 'distro=a%20b&arch=x' }] }),
  ];
  const id = await newProject(admin);
  await scanToEnd(admin, id, sbomForm(JSON.stringify({ bomFormat: 'CycloneDX', specVersion: '1.6', version: 1, components: hostile, dependencies: [{ ref: 'sub', dependsOn: hostile.map((one) => one['bom-ref']) }] })));
  const expected = await contentOf(database.db, id);
  assert.is(expected.length, 5 + 4);
  const texts = new Map<string, string>();
  for (const format of FORMATS) {
    texts.set(format, await sbom(format, id));
    const copy = await newProject(admin);
    await scanToEnd(admin, copy, sbomForm(texts.get(format) ?? '', { format }));
    assert.equal(await contentOf(database.db, copy), expected, format);
  }
  const [json = '', xml = '', spdx = ''] = texts.values();
  assert.equal([faultsOfJson(JSON.parse(json)), await faultsOfXml(xml), faultsOfSpdx(JSON.parse(spdx))], [[], [], []]);
});
test('who depends on whom is said to be unknown where it is', async () => {
  const flat = await newProject(admin);
  await scanToEnd(admin, flat, sbomForm(JSON.stringify({ bomFormat: 'CycloneDX', specVersion: '1.6', version: 1, components: [component('alpha'), component('beta')] })));
  const json: unknown = JSON.parse(await sbom('cyclonedx-json', flat));
  const spdx: unknown = JSON.parse(await sbom('spdx-json', flat));
  assert.equal([member(json, 'dependencies'), member(json, 'compositions', 0, 'aggregate')], [undefined, 'unknown']);
  assert.equal([faultsOfJson(json), await faultsOfXml(await sbom('cyclonedx-xml', flat)), faultsOfSpdx(spdx)], [[], [], []]);
  assert.equal(list(member(spdx, 'relationships')).map((one) => one['relationshipType']), ['DESCRIBES', 'CONTAINS', 'CONTAINS']);
});
test('breaks off, rather than end as if it were whole, where the scan is removed on the way', async () => {
  const id = await newProject(admin);
  await scanToEnd(admin, id, sbomForm(JSON.stringify({ bomFormat: 'CycloneDX', specVersion: '1.6', version: 1, components: Array.from({ length: 2500 }, (_, index) => component(`part-${index}`)) })));
  const { body } = await admin.expect(200, 'listScans', { query: { project_id: id } });
  const context = { ...portal.services, actor: { kind: 'system' as const }, request: { id: 'test', operation: 'test', ip: null, userAgent: null, gone: new AbortController().signal } };
  const { text } = await exportSbom(context, id, String(member(body, 'items', 0, 'id')), 'cyclonedx-json');
  const reader = text[Symbol.asyncIterator]();
  assert.is((await reader.next()).done, false);
  await sql`DELETE FROM scan_components sc USING scans s WHERE s.id = sc.scan_id AND s.project_id = ${id}`.execute(database.db);
  const rest = async (): Promise<void> => {
    while ((await reader.next()).done !== true);
  };
  assert.match(String(await rest().catch((error: unknown) => error)), /2000 of 2500 components: the scan was removed meanwhile/);
});
const notice = suite('getProjectNotice');
const noticeOf = (format: string, query: Record<string, string | boolean> = {}, id = project) => admin.expect(200, 'getProjectNotice', { path: { id }, query: { format, ...query } });
notice('names what reaches users, by whom and under which licence, and has each text once', async () => {
  const { text } = await noticeOf('text');
  for (const part of ['NOTICES FOR SHOP & <CO>', `${'-'.repeat(78)}\nMIT: 1 component\n${'-'.repeat(78)}\n\nalpha 1.0.0\n  pkg:npm/alpha@1.0.0\n  Copyright 2020 Ada\n  Copyright 2021 Bob`, 'LicenseRef-House-licence: 1 component', 'beta 1.0.0', 'Do as you like in this house.\nBut wipe your feet.', 'libssl3 3.0.11-1', 'No licence known: 3 components']) assert.ok(text.includes(part), part);
  assert.not.match(text, /pkg:npm\/gamma/, 'a development dependency');
  assert.is(text.split('Permission is hereby granted, free of charge').length, 2);
  assert.is((await noticeOf('text')).text, text);
});
notice('is by licence, unknown ones last, and tells where the texts of exceptions are', async () => {
  const id = await newProject(admin);
  const under = (name: string, expression: string | null) => component(name, expression === null ? {} : { licenses: [{ expression }] });
  const parts = [under('a', 'MIT'), under('b', null), under('c', 'GPL-2.0-only WITH Classpath-exception-2.0'), under('d', 'MIT'), under('e', 'Apache-2.0 OR MIT')];
  await scanToEnd(admin, id, sbomForm(JSON.stringify({ bomFormat: 'CycloneDX', specVersion: '1.6', version: 1, components: parts })));
  const lines = (await noticeOf('markdown', {}, id)).text.split('\n');
  const headings = lines.filter((line) => line.startsWith('### ') || line.startsWith('- **'));
  assert.equal(headings, ['### Apache-2.0 OR MIT: 1 component', '- **e 1.0.0** `pkg:npm/e@1.0.0`', '### GPL-2.0-only WITH Classpath-exception-2.0: 1 component', '- **c 1.0.0** `pkg:npm/c@1.0.0`', '### MIT: 2 components', '- **a 1.0.0** `pkg:npm/a@1.0.0`', '- **d 1.0.0** `pkg:npm/d@1.0.0`',
    '### No licence known: 1 component', '- **b 1.0.0** `pkg:npm/b@1.0.0`', '### Apache License 2.0 (`Apache-2.0`)', '### GNU General Public License v2.0 only (`GPL-2.0-only`)', '### MIT License (`MIT`)', '### Classpath-exception-2.0']);
  const html = (await noticeOf('html', {}, id)).text;
  const ids = new Set([...html.matchAll(/ id="([^"]+)"/g)].map(([, name]) => name));
  const links = [...html.matchAll(/href="#([^"]+)"/g)].map(([, name]) => name);
  assert.is(links.length, 5);
  assert.ok(links.every((name) => ids.has(name)), 'each link leads to a text');
});
notice('is safe in Markdown and HTML, whatever components are called', async () => {
  const id = await newProject(admin, { name: '<script>alert(1)</script> [x](javascript:alert(1)) `' });
  const evil = component('evil', { name: '<img src=x onerror=alert(1)>', purl: 'pkg:npm/evil@1.0.0', copyright: '</pre><script>alert(2)</script> @everyone ![i](http://x)', licenses: [{ license: { name: 'A "b" <c>', text: { content: '```\n</pre><script>alert(3)</script>' } } }] });
  await scanToEnd(admin, id, sbomForm(JSON.stringify({ bomFormat: 'CycloneDX', specVersion: '1.6', version: 1, components: [evil] })));
  const html = await noticeOf('html', {}, id);
  assert.equal([html.headers.get('Content-Type'), html.headers.get('Content-Disposition')?.startsWith('inline')], ['text/html; charset=utf-8', true]);
  assert.match(html.headers.get('Content-Security-Policy') ?? '', /^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]{44}'/);
  assert.equal([...html.text.matchAll(/<(?!\/)([a-z0-9]+)/g)].map(([, tag]) => tag).filter((tag) => ['script', 'img'].includes(tag ?? '')), []);
  const markdown = (await noticeOf('markdown', {}, id)).text;
  assert.match(markdown, /^# Notices for \\<script\\>/);
  assert.match(markdown, /````text\n```\n<\/pre><script>/);
  assert.not.match(markdown.replaceAll(/````text[\s\S]*?````/g, ''), /(?<!\\)<script|[^\\]!\[|@everyone/);
});
notice('is an attachment where asked for, has a tag, and is empty and whole without a scan', async () => {
  const answer = await noticeOf('markdown', { download: true });
  assert.match(answer.headers.get('Content-Disposition') ?? '', /^attachment; filename="[a-z0-9-]+-NOTICE\.md"$/);
  await admin.expect(304, 'getProjectNotice', { path: { id: project }, query: { format: 'markdown' }, headers: { 'If-None-Match': answer.headers.get('ETag') ?? '' } });
  const empty = await newProject(admin);
  for (const format of ['text', 'markdown', 'html']) assert.match((await noticeOf(format, {}, empty)).text, /There are no components/);
  await admin.refused('scan-not-finished', 'getProjectNotice', { path: { id: empty }, query: { scan_id: await queuedScan(database, empty) } });
});

const last = suite('getProjectSbom, its tag');
last('what a later scan says of a component changes the tag of the earlier one, which says it too', async () => {
  const id = await newProject(admin);
  const scanWith = (version: string) => scanToEnd(admin, id, sbomForm(JSON.stringify({ bomFormat: 'CycloneDX', specVersion: '1.6', version: 1, components: [{ type: 'library', name: 'libssl3', version: '3.0.11-1', purl: 'pkg:deb/debian/libssl3@3.0.11-1' }, { type: 'operating-system', name: 'debian', version }] })));
  const { id: first } = await scanWith('12.4');
  const of = () => admin.expect(200, 'getProjectSbom', { path: { id }, query: { scan_id: first } });
  const before = await of();
  await scanWith('12.5');
  const after = await of();
  assert.equal([before, after].map(({ text }) => /distro=debian-[\d.]+/.exec(text)?.[0]), ['distro=debian-12.4', 'distro=debian-12.5']);
  assert.is.not(after.headers.get('ETag'), before.headers.get('ETag'));
});
last('a decision on a licence changes the tag', async () => {
  const tag = async () => (await admin.expect(200, 'getProjectSbom', { path: { id: project } })).headers.get('ETag');
  const before = await tag();
  await admin.expect(200, 'replaceConcludedLicense', { path: { component_id: componentIds.get('bare') ?? '' }, json: { expression: 'MIT', justification: 'as its repository says' } });
  assert.is.not(await tag(), before);
});
