/** Lists of components with every filter and sort key, and one component with its place in the graph. */
import * as assert from 'uvu/assert';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { importAdvisories } from '../../src/domain/advisories/import.ts';
import { isRecord } from '../../src/core/values.ts';
import { member, type CallOptions } from '../support/contract.ts';
import { cycloneDx, LODASH, REQUESTS, sbomForm, type SbomPart } from '../support/fixtures.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, newUser, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { portal, anonymous, admin, database } = await startTestPortal();
await importAdvisories(portal.services, fileURLToPath(new URL('../../data/advisories', import.meta.url)), () => undefined);
const stranger = await newUser(anonymous, database, 'team_admin');

const PARTS: SbomPart[] = [
  { purl: LODASH, license: 'MIT', dependsOn: [REQUESTS, 'pkg:npm/%40scope/tool@1.0.0'] },
  { purl: REQUESTS, license: 'Apache-2.0' },
  { purl: 'pkg:npm/%40scope/tool@1.0.0', license: 'MIT OR GPL-3.0-only' },
  { purl: 'pkg:npm/under_score@2.0.0', license: '(MIT AND BSD-3-Clause) OR ISC' },
  { purl: 'pkg:npm/per%25cent@2.0.0', license: 'Apache-2.0 WITH LLVM-exception' },
  { purl: 'pkg:maven/Org.Example/Upper@1.0', license: 'GPL-3.0-only' },
  ...Array.from({ length: 12 }, (_, index) => ({ purl: `pkg:npm/made-${String.fromCodePoint(97 + (index % 5))}@${index}.0.0` })),
];
const project = await newProject(admin);
const scan = (await scanToEnd(admin, project, sbomForm(cycloneDx(PARTS)))).id;

type Query = NonNullable<CallOptions['query']>;
const page = async (query: Query): Promise<{ items: Record<string, unknown>[]; total: unknown }> => {
  const { body } = await admin.expect(200, 'listProjectComponents', { path: { id: project }, query });
  const items = member(body, 'items');
  return { items: Array.isArray(items) ? items.filter(isRecord) : [], total: member(body, 'total') };
};
/** Package URLs in their order, and whether the total says as many. */
const purls = async (query: Query): Promise<unknown[]> => {
  const { items, total } = await page({ limit: 200, sort: 'purl', ...query });
  assert.is(total, items.length);
  return items.map((item) => item['purl']);
};

const list = suite('listProjectComponents');
list('q is text, whatever LIKE thinks of it', async () => {
  assert.equal(await purls({ q: '_' }), ['pkg:npm/under_score@2.0.0']);
  assert.equal(await purls({ q: '%' }), ['pkg:npm/per%25cent@2.0.0']);
  for (const q of ['\\', '%%', '_o_', "'", '" OR 1', '[a]', '*']) assert.equal(await purls({ q }), [], q);
  assert.equal(await purls({ q: 'SCOPE/TOOL' }), ['pkg:npm/%40scope/tool@1.0.0']);
  for (const q of ['@scope', '%40scope', 'pkg:npm/%40Scope/tool@1.0.0']) assert.equal(await purls({ q }), ['pkg:npm/%40scope/tool@1.0.0'], q);
  assert.equal(await purls({ q: 'org.example/upper' }), ['pkg:maven/Org.Example/Upper@1.0']);
  assert.equal(await purls({ q: 'r' }), PARTS.map(({ purl }) => purl).filter((purl) => purl.toLowerCase().includes('r')).sort());
  assert.equal(await purls({ q: '@4' }), [LODASH, 'pkg:npm/made-e@4.0.0']);
});
list('bad values are refused with the parameter named', async () => {
  const cases: [Query, string][] = [
    [{ q: '' }, 'q'], [{ q: 'a\u0000b' }, 'q'], [{ q: 'x'.repeat(256) }, 'q'], [{ sort: 'nope' }, 'sort'], [{ sort: 'name,' }, 'sort'], [{ offset: 1_000_001 }, 'offset'], [{ offset: -1 }, 'offset'],
    [{ severity: ['worst'] }, 'severity'], [{ purl_type: ['NPM'] }, 'purl_type'], [{ license: [''] }, 'license'], [{ vulnerable: 'perhaps' }, 'vulnerable'], [{ direct: ['true', 'false'] }, 'direct'],
  ];
  for (const [query, parameter] of cases) {
    const problem = await admin.refused('invalid-request', 'listProjectComponents', { path: { id: project }, query });
    assert.is(member(problem, 'errors', 0, 'parameter'), parameter, JSON.stringify(query));
  }
});
list('an absurd offset is an empty page with the total', async () => {
  for (const query of [{}, { q: 'made' }, { sort: '-severity' }, { vulnerable: false }]) {
    const { items, total } = await page({ ...query, offset: 1_000_000 });
    assert.is(items.length, 0);
    assert.is(total, (await page(query)).total);
  }
});
list('findings filter: severity, vulnerable, with a fix', async () => {
  const severities = new Map((await page({ limit: 200 })).items.map((item) => [item['purl'], item['severity_max']]));
  const having = (...wanted: string[]) => [...severities].filter(([, severity]) => wanted.includes(String(severity))).map(([purl]) => purl).sort();
  assert.equal(await purls({ vulnerable: true }), [LODASH, REQUESTS].sort());
  assert.is((await purls({ vulnerable: false })).length, PARTS.length - 2);
  for (const wanted of [['none'], ['high'], ['critical', 'none'], ['critical', 'high', 'medium', 'low', 'info', 'unknown'], ['high', 'none']]) assert.equal(await purls({ severity: wanted }), having(...wanted), wanted.join());
  assert.equal(await purls({ vulnerable: false, severity: ['none'] }), await purls({ vulnerable: false }));
  assert.equal(await purls({ vulnerable: true, severity: ['none'] }), []);
  assert.equal(await purls({ fix_available: true }), [LODASH, REQUESTS].sort());
  assert.equal(await purls({ fix_available: false }), []);
  await sql`UPDATE matches SET fixed_version = NULL WHERE package_version_id = (SELECT package_version_id FROM components WHERE project_id = ${project} AND purl = ${REQUESTS})`.execute(database.db);
  await sql`UPDATE findings SET fixable = false WHERE component_id = (SELECT id FROM components WHERE project_id = ${project} AND purl = ${REQUESTS})`.execute(database.db); // as a refresh would
  assert.equal([await purls({ fix_available: true }), await purls({ fix_available: false })], [[LODASH], [REQUESTS]]);
  await sql`UPDATE findings SET status = 'not_affected' WHERE project_id = ${project} AND component_id = (SELECT id FROM components WHERE project_id = ${project} AND purl = ${REQUESTS})`.execute(database.db);
  assert.equal(await purls({ vulnerable: true }), [LODASH]);
  assert.is((await page({ severity: ['none'] })).total, PARTS.length - 1);
});
list('licences are found by their ids, in compounds too and however they are written', async () => {
  assert.equal(await purls({ license: ['MIT'] }), ['pkg:npm/%40scope/tool@1.0.0', LODASH, 'pkg:npm/under_score@2.0.0']);
  assert.equal(await purls({ license: ['mit'] }), await purls({ license: ['MIT'] }));
  assert.equal(await purls({ license: ['ISC', 'GPL-3.0-only'] }), ['pkg:maven/Org.Example/Upper@1.0', 'pkg:npm/%40scope/tool@1.0.0', 'pkg:npm/under_score@2.0.0']);
  assert.equal(await purls({ license: ['Apache-2.0'] }), ['pkg:npm/per%25cent@2.0.0', REQUESTS]);
  assert.equal(await purls({ license: ['Apach'] }), []);
  assert.equal(await purls({ license_tier: ['forbidden'] }), ['pkg:maven/Org.Example/Upper@1.0']);
});
list('package types, scopes and directness filter, alone and together', async () => {
  assert.equal(await purls({ purl_type: ['maven', 'pypi'] }), ['pkg:maven/Org.Example/Upper@1.0', REQUESTS]);
  assert.equal(await purls({ purl_type: ['np'] }), []);
  assert.equal(await purls({ direct: true }), [LODASH]);
  assert.is((await purls({ direct: false, scope: ['required'] })).length, PARTS.length - 1);
  assert.equal(await purls({ q: 'o', license: ['MIT'], purl_type: ['npm'], vulnerable: true, direct: true, scope: ['required'], scan_id: scan }), [LODASH]);
});
list('every order is total: pages join to the whole, both ways, filtered or not', async () => {
  for (const field of ['name', 'version', 'purl', 'severity', 'license', 'license_tier', 'vulnerability_count', 'depth']) {
    for (const sort of [field, `-${field}`, `${field},-purl`]) {
      for (const query of [{ sort }, { sort, q: 'a' }, { sort, vulnerable: false }]) {
        const whole = (await page({ ...query, limit: 200 })).items.map((item) => item['id']);
        const joined: unknown[] = [];
        for (let offset = 0; offset < whole.length; offset += 7) joined.push(...(await page({ ...query, limit: 7, offset })).items.map((item) => item['id']));
        assert.equal(joined, whole, JSON.stringify(query));
        assert.is(new Set(whole).size, whole.length);
      }
    }
  }
});
list('orders are those of their values', async () => {
  const values = async (sort: string, name: string) => (await page({ limit: 200, sort })).items.map((item) => item[name]);
  const texts = (await values('purl', 'name')).map(String).sort();
  assert.equal(await values('name', 'name'), texts);
  assert.equal(await values('-name', 'name'), texts.toReversed());
  assert.equal((await values('license', 'license')).slice(-12), Array.from({ length: 12 }, () => null));
  assert.equal((await values('-license', 'license')).slice(-12), Array.from({ length: 12 }, () => null));
  assert.equal((await values('license', 'license')).slice(0, 6), (await values('license', 'license')).slice(0, 6).map(String).sort());
  assert.is((await values('-vulnerability_count', 'name'))[0], 'lodash');
  assert.is((await values('severity', 'name'))[0], 'lodash');
  assert.is((await values('-severity', 'name')).at(-1), 'lodash');
  assert.equal((await values('name,-version', 'version')).slice(0, 5), ['1.0', '4.17.20', '5.0.0', '10.0.0', '0.0.0']);
});

const detail = suite('getComponent');
const idOf = async (purl: string): Promise<string> => String((await page({ q: purl, limit: 1 })).items[0]?.['id']);
detail('shows all that is known of it', async () => {
  const text = JSON.stringify({
    bomFormat: 'CycloneDX', specVersion: '1.6', version: 1, metadata: { component: { type: 'application', 'bom-ref': 'root', name: 'app' } },
    components: [{ type: 'framework', 'bom-ref': 'a', name: 'lodash', version: '4.17.20', purl: LODASH, scope: 'optional', supplier: { name: 'The Makers' }, description: 'Functions',
      hashes: [{ alg: 'SHA-256', content: 'AB'.repeat(32) }], licenses: [{ license: { name: 'MIT License' } }] }],
    dependencies: [{ ref: 'root', dependsOn: ['a'] }],
  });
  const own = await newProject(admin);
  const { id: ownScan } = await scanToEnd(admin, own, sbomForm(text));
  const id = String(member((await admin.expect(200, 'listProjectComponents', { path: { id: own } })).body, 'items', 0, 'id'));
  const { body } = await admin.expect(200, 'getComponent', { path: { component_id: id } });
  assert.equal(['scan_id', 'type', 'scope', 'supplier', 'description', 'license', 'license_declared', 'direct', 'depth', 'vulnerabilities_truncated', 'paths_truncated', 'dependency_count', 'dependent_count'].map((name) => member(body, name)),
    [ownScan, 'framework', 'optional', 'The Makers', 'Functions', 'MIT', 'LicenseRef-MIT-License', true, 1, false, false, 0, 0]);
  assert.equal(member(body, 'hashes'), { 'SHA-256': 'ab'.repeat(32) });
  assert.equal([member(body, 'licenses', 0, 'spdx_id'), member(body, 'licenses', 0, 'kind')], ['MIT', 'declared']);
  assert.equal(member(body, 'paths'), [[LODASH]]);
  assert.ok(JSON.stringify(member(body, 'vulnerabilities')).includes('CVE-2021-23337'));
});
detail('is for those who may see its project, and in scans that have it', async () => {
  const id = await idOf(LODASH);
  await stranger.client.refused('forbidden', 'getComponent', { path: { component_id: id } });
  const other = await scanToEnd(admin, await newProject(admin), sbomForm(cycloneDx(PARTS)));
  await admin.refused('not-found', 'getComponent', { path: { component_id: id }, query: { scan_id: other.id } });
  await admin.refused('not-found', 'getComponent', { path: { component_id: crypto.randomUUID() } });
});
detail('a graph of fifty layers of diamonds, with a way back from the last to the first', async () => {
  const at = (layer: number, side: number): string => `pkg:npm/layer-${layer}-${side}@1.0.0`;
  const layers = Array.from({ length: 50 }, (_, layer) => [0, 1].map((side) => ({ purl: at(layer, side), dependsOn: layer < 49 ? [at(layer + 1, 0), at(layer + 1, 1)] : ['pkg:npm/end@1.0.0'] }))).flat();
  const own = await newProject(admin);
  await scanToEnd(admin, own, sbomForm(cycloneDx([...layers, { purl: 'pkg:npm/end@1.0.0', dependsOn: [at(0, 0), 'pkg:npm/end@1.0.0'] }])));
  const { body: found } = await admin.expect(200, 'listProjectComponents', { path: { id: own }, query: { q: '/end@' } });
  const { body } = await admin.expect(200, 'getComponent', { path: { component_id: String(member(found, 'items', 0, 'id')) } });
  const paths = member(body, 'paths');
  assert.ok(Array.isArray(paths) && Array.isArray(paths[0]));
  assert.equal([paths.length, paths[0].length, paths[0].at(0), paths[0].at(-1), member(body, 'paths_truncated')], [1, 51, at(0, 0), 'pkg:npm/end@1.0.0', false]);
  assert.is(member(body, 'dependent_count'), 2);
});
detail('a component that nothing leads to has no paths; neighbours are cut at 200 and counted; too large a graph is not walked', async () => {
  const hub = 'pkg:npm/hub@1.0.0';
  const many = Array.from({ length: 250 }, (_, index) => ({ purl: `pkg:npm/user-${index}@1.0.0`, dependsOn: [hub] }));
  const own = await newProject(admin);
  await scanToEnd(admin, own, sbomForm(cycloneDx([{ purl: 'pkg:npm/only@1.0.0' }, { purl: hub }, ...many])));
  const { body: found } = await admin.expect(200, 'listProjectComponents', { path: { id: own }, query: { q: 'hub' } });
  const { body } = await admin.expect(200, 'getComponent', { path: { component_id: String(member(found, 'items', 0, 'id')) } });
  const dependents = member(body, 'dependents');
  assert.equal([member(body, 'paths'), member(body, 'paths_truncated'), member(body, 'dependent_count'), Array.isArray(dependents) && dependents.length], [[], false, 250, 200]);
  await sql`UPDATE scan_components SET depth = 2, depends_on = array_fill(0, ARRAY[1000001]) WHERE component_id = ${String(member(body, 'id'))}`.execute(database.db);
  const { body: huge } = await admin.expect(200, 'getComponent', { path: { component_id: String(member(body, 'id')) } });
  assert.equal([member(huge, 'paths'), member(huge, 'paths_truncated'), member(huge, 'dependency_count')], [[], true, 1_000_001]);
});
