/**
 * Every list of the contract by every sort key, both ways, and every filter, on what `make seed-scale` made: as the super admin, who sees everything, and as a developer. What is listed is read
 * from the contract, so that a new list, key or filter is measured without a change here. ONLY=a regular expression for some lists, QUERY=one for some queries of them, ROUNDS=20, PROJECT=slug, ALL=1 to print the fast ones too.
 * `SEED_DIR=folder sh scripts/node.sh test/bench/scale/lists.ts`
 */
import { readFile } from 'node:fs/promises';
import { isRecord } from '../../../src/core/values.ts';
import { member } from '../../support/contract.ts';
import { SEED_PASSWORD, seedEmail } from './people.ts';
import { quantile, startScalePortal, type ScalePortal } from './portal.ts';

/** Whose lists are measured: the largest, unless another is named. */
const PROJECT = process.env['PROJECT'] || 'project-1';
const ROUNDS = Number(process.env['ROUNDS'] || 20);
const MAX_MS_EACH = 6_000;
const TARGET_MS = 50;
const ONLY = new RegExp(process.env['ONLY'] || '.');
const QUERY = new RegExp(process.env['QUERY'] || '.');

interface List {
  operationId: string;
  path: string;
  sorts: readonly string[];
  filters: readonly { name: string; values: readonly string[] }[];
}

interface Measured {
  query: string;
  total: string;
  median: number;
  p95: number;
}

/** Values of filters that no enumeration gives. Those of paths begin with their path. */
async function samplesFrom({ sql }: ScalePortal): Promise<Readonly<Record<string, readonly string[]>>> {
  const one = async (text: string): Promise<string> => {
    const { rows } = await sql.query<Record<string, string>>(text);
    return Object.values(rows[0] ?? {})[0] ?? '';
  };
  const [large, team, user] = [await one(`SELECT id FROM projects WHERE slug = '${PROJECT}'`), await one("SELECT id FROM teams WHERE slug = 'seed-team-1'"), await one(`SELECT id FROM users WHERE email = '${seedEmail(1)}'`)];
  const vulnerability = await one('SELECT v.external_id FROM vulnerabilities v JOIN (SELECT vulnerability_id FROM findings TABLESAMPLE SYSTEM (0.2) GROUP BY 1 ORDER BY count(*) DESC LIMIT 1) f ON f.vulnerability_id = v.id');
  const current = await one(`SELECT current_scan_id FROM projects WHERE id = '${large}'`);
  const component = await one(`SELECT component_id FROM findings WHERE project_id = '${large}' AND in_current_scan LIMIT 1`);
  const purl = await one("SELECT regexp_replace(purl, '@[^@]*$', '') FROM components ORDER BY package_version_id LIMIT 1");
  const time = new Date(Date.now() - 200 * 86_400_000).toISOString();
  return {
    id: [large], 'scans/id': [current], 'notification-channels/id': [await one('SELECT id FROM notification_channels ORDER BY id LIMIT 1')], vulnerability_id: [vulnerability],
    team_id: [team], project_id: [large], user_id: [user], actor_user_id: [user], requested_by_user_id: [user], component_id: [component], scan_id: [current], base: [await one(`SELECT id FROM scans WHERE project_id = '${large}' ORDER BY created_at DESC OFFSET 1 LIMIT 1`)],
    q: ['lodash', 'number 12', 'e'], search: ['rossi', 'e'], ref: ['main', 'release/1.x'], version: ['1.2.2'], purl: [purl, `${purl}@1.2.2`], license: ['MIT', 'GPL-3.0-only'], license_tier: ['forbidden', 'allowed'], purl_type: ['npm', 'golang'], cwe: ['CWE-20', 'CWE-79'], min_epss: ['0.5', '0.001'],
    created_after: [time], created_before: [time], discovered_after: [time], discovered_before: [time], from_dt: [time], to_dt: [time], from: [time], to: [time],
    target_table: ['scans', 'approvals'], action: ['create', 'status'], target_id: [large], request_id: ['c4ca4238-a0b9-2382-0dcc-509a6f75849b'], cursor: [await one('SELECT id FROM audit_log ORDER BY created_at DESC OFFSET 1000 LIMIT 1')],
  };
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** The lists as the bundled contract has them. */
function readLists(contract: unknown, samples: Readonly<Record<string, readonly string[]>>): List[] {
  const resolve = (value: unknown): unknown => {
    const ref = member(value, '$ref');
    return typeof ref === 'string' ? ref.slice(2).split('/').reduce<unknown>((at, key) => member(at, key), contract) : value;
  };
  const lists: List[] = [];
  const paths = member(contract, 'paths');
  for (const [path, item] of Object.entries(isRecord(paths) ? paths : {})) {
    const operation = member(item, 'get');
    const operationId = String(member(operation, 'operationId'));
    if (!operationId.startsWith('list')) continue;
    const parameters = [...listOf(member(item, 'parameters')), ...listOf(member(operation, 'parameters'))].map(resolve);
    const of = (place: string): unknown[] => parameters.filter((parameter) => member(parameter, 'in') === place);
    const filled = of('path').reduce<string>((text, parameter) => {
      const name = String(member(parameter, 'name'));
      const [kind] = /[^/]+(?=\/\{)/.exec(text) ?? [''];
      return text.replace(`{${name}}`, samples[`${kind}/${name}`]?.[0] ?? samples[name]?.[0] ?? '');
    }, path);
    const sorts = of('query').flatMap((parameter) => listOf(member(parameter, 'x-sort-fields')).map(String));
    const filters = of('query').filter((parameter) => !['limit', 'offset', 'sort'].includes(String(member(parameter, 'name')))).map((parameter) => ({ name: String(member(parameter, 'name')), values: valuesOf(parameter, resolve, samples) }));
    lists.push({ operationId, path: filled, sorts, filters });
  }
  return lists;
}

function valuesOf(parameter: unknown, resolve: (value: unknown) => unknown, samples: Readonly<Record<string, readonly string[]>>): readonly string[] {
  const name = String(member(parameter, 'name'));
  const schema = resolve(member(parameter, 'schema'));
  const element = member(schema, 'items') === undefined ? schema : resolve(member(schema, 'items'));
  if (member(element, 'type') === 'boolean') return ['true', 'false'];
  const values = listOf(member(element, 'enum')).map(String);
  const found = values.length > 0 ? values : (samples[name] ?? []).filter((text) => text.length >= Number(member(element, 'minLength') ?? 0));
  if (found.length === 0) throw new Error(`no sample of the filter ${name}`);
  return found;
}

/** Of a list that wants a filter, each query carries the first sample of it. */
const REQUIRED: Readonly<Record<string, string>> = { listComponents: 'purl' };

function queriesOf({ operationId, sorts, filters }: List): string[] {
  const required = REQUIRED[operationId];
  const always = required === undefined ? '' : `${required}=${encodeURIComponent(filters.find(({ name }) => name === required)?.values[0] ?? '')}`;
  const sorted = sorts.flatMap((key) => [`sort=${key}`, `sort=-${key}`]);
  const filtered = filters.flatMap(({ name, values }) => values.map((value) => `${name}=${encodeURIComponent(value)}`));
  const paged = sorts.length > 0 ? ['offset=5000'] : [];
  return ['', ...paged, ...sorted, ...filtered].map((query) => (query.startsWith('q=') || query.startsWith(`${required}=`) ? query : [always, query].filter((part) => part !== '').join('&')));
}

async function measure(portal: ScalePortal, token: string, path: string, query: string): Promise<Measured> {
  const times: number[] = [];
  let total = '';
  const begun = performance.now();
  for (let round = 0; round <= ROUNDS && (round < 4 || performance.now() - begun < MAX_MS_EACH); round += 1) {
    const start = performance.now();
    const response = await fetch(`${portal.url}${path}${query === '' ? '' : `?${query}`}`, { headers: { Authorization: `Bearer ${token}` } });
    const body: unknown = await response.json();
    if (round > 0) times.push(performance.now() - start); // the first one fills caches
    if (!response.ok) return { query, total: `status ${response.status}`, median: 0, p95: 0 };
    const given = member(body, 'total');
    total = `${typeof given === 'number' ? given : listOf(member(body, 'items')).length}`;
  }
  return { query, total, median: quantile(times, 0.5), p95: quantile(times, 0.95) };
}

const row = (name: string, { total, median, p95 }: Measured): string => `| ${name} | ${total} | ${median.toFixed(1)} | ${p95 >= TARGET_MS ? `**${p95.toFixed(1)}**` : p95.toFixed(1)} |`;

async function main(): Promise<void> {
  const portal = await startScalePortal(8795);
  try {
    const contract: unknown = JSON.parse(await readFile(new URL('../../../generated/openapi.json', import.meta.url), 'utf8'));
    const lists = readLists(contract, await samplesFrom(portal)).filter(({ operationId }) => ONLY.test(operationId));
    const { rows: [colleague] } = await portal.sql.query<{ email: string }>(`SELECT u.email FROM projects p JOIN memberships m ON m.team_id = p.team_id AND m.role = 'developer' JOIN users u ON u.id = m.user_id WHERE p.slug = '${PROJECT}' ORDER BY u.email LIMIT 1`);
    const developer = await portal.signIn(colleague?.email ?? '', SEED_PASSWORD);
    let [count, fast] = [0, 0];
    console.log('| caller · list · query | total | median | p95 |\n|---|---|---|---|');
    for (const list of lists) {
      for (const [caller, token] of [['super admin', portal.admin], ['developer', developer]] as const) {
        if (caller === 'developer' && list.operationId.startsWith('listAdmin')) continue;
        for (const query of queriesOf(list)) {
          if (!QUERY.test(`${caller} ${list.operationId} ${decodeURIComponent(query)}`)) continue;
          const measured = await measure(portal, token, list.path, query);
          count += 1;
          if (measured.p95 < TARGET_MS) fast += 1;
          if (measured.p95 >= TARGET_MS || measured.total.startsWith('status ') || process.env['ALL']) console.log(row(`${caller} · ${list.operationId} · \`${decodeURIComponent(query)}\``, measured));
        }
      }
    }
    console.log(`\n${fast} of ${count} queries are below ${TARGET_MS} ms.`);
  } finally {
    await portal.stop();
  }
}

await main();
