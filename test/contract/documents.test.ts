/** SBOMs as documents of their standards: valid by the official schemas, with what NTIA asks for, and with what people and files say of licences. (Notices: project-notice.test.ts) */
import { sql } from 'kysely';
import * as assert from 'uvu/assert';
import { isRecord } from '../../src/core/values.ts';
import { exportSbom } from '../../src/domain/documents/sbom.ts';
import { importFiles, osv } from '../support/advisories.ts';
import { member } from '../support/contract.ts';
import { fileForm, sbomForm, tarGz } from '../support/fixtures.ts';
import { faultsOfJson, faultsOfXml } from '../support/official-schemas.ts';
import { bomOf, component, RICH } from '../support/rich-sbom.ts';
import { contentOf } from '../support/sbom-content.ts';
import { faultsOfSpdx } from '../support/spdx-schema.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { portal, admin, database } = await startTestPortal();
await importFiles(portal.services, osv({ id: 'GHSA-d1', aliases: ['CVE-2024-6001'], name: 'alpha', cvss: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H', cwes: ['CWE-79'] }), osv({ id: 'GHSA-d2', name: 'alpha', cvss: 'CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N' }));

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
  await scanToEnd(admin, id, sbomForm(bomOf(hostile, { dependencies: [{ ref: 'sub', dependsOn: hostile.map((one) => one['bom-ref']) }] })));
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
  await scanToEnd(admin, flat, sbomForm(bomOf([component('alpha'), component('beta')])));
  const json: unknown = JSON.parse(await sbom('cyclonedx-json', flat));
  const spdx: unknown = JSON.parse(await sbom('spdx-json', flat));
  assert.equal([member(json, 'dependencies'), member(json, 'compositions', 0, 'aggregate')], [undefined, 'unknown']);
  assert.equal([faultsOfJson(json), await faultsOfXml(await sbom('cyclonedx-xml', flat)), faultsOfSpdx(spdx)], [[], [], []]);
  assert.equal(list(member(spdx, 'relationships')).map((one) => one['relationshipType']), ['DESCRIBES', 'CONTAINS', 'CONTAINS']);
});
test('breaks off, rather than end as if it were whole, where the scan is removed on the way', async () => {
  const id = await newProject(admin);
  await scanToEnd(admin, id, sbomForm(bomOf(Array.from({ length: 2500 }, (_, index) => component(`part-${index}`)))));
  const { body } = await admin.expect(200, 'listScans', { query: { project_id: id } });
  const context = { ...portal.services, actor: { kind: 'system' as const }, request: { id: 'test', operation: 'test', ip: null, userAgent: null, gone: () => new AbortController().signal } };
  const { text } = await exportSbom(context, id, String(member(body, 'items', 0, 'id')), 'cyclonedx-json');
  const reader = text[Symbol.asyncIterator]();
  assert.is((await reader.next()).done, false);
  await sql`DELETE FROM scan_components sc USING scans s WHERE s.id = sc.scan_id AND s.project_id = ${id}`.execute(database.db);
  const rest = async (): Promise<void> => {
    while ((await reader.next()).done !== true);
  };
  assert.match(String(await rest().catch((error: unknown) => error)), /2000 of 2500 components: the scan was removed meanwhile/);
});

const last = suite('getProjectSbom, its tag');
last('what a later scan says of a component changes the tag of the earlier one, which says it too', async () => {
  const id = await newProject(admin);
  const scanWith = (version: string) => scanToEnd(admin, id, sbomForm(bomOf([{ type: 'library', name: 'libssl3', version: '3.0.11-1', purl: 'pkg:deb/debian/libssl3@3.0.11-1' }, { type: 'operating-system', name: 'debian', version }])));
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
