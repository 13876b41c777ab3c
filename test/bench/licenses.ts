/**
 * `node test/bench/licenses.ts`: what judging licences costs. A policy change over 200 projects of 1,000 components, the settling of a scan of 10,000 components, and licence texts a
 * second. Results are printed; keep them in RESULTS.md.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sql } from 'kysely';
import { pino } from 'pino';
import { openDatabase } from '../../src/db/connect.ts';
import { openEmbedded } from '../../src/db/embedded.ts';
import { lockLicenses } from '../../src/db/license-judgement.ts';
import { migrate } from '../../src/db/migrate.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { rejudgeLicenses } from '../../src/domain/licenses/rejudge.ts';
import { settleLicenses } from '../../src/domain/licenses/settle.ts';
import { licensesInText } from '../../src/scan/license-texts.ts';
import list from 'spdx-license-list/spdx-full.json' with { type: 'json' };

const quiet = { info: (): void => undefined, warn: (): void => undefined, error: console.error };
const PROJECTS = 200;
const COMPONENTS = 1_000;
const LARGE = 10_000;

async function timed(what: string, work: () => Promise<unknown>): Promise<void> {
  const startedAt = performance.now();
  await work();
  console.log(`| ${what} | **${((performance.now() - startedAt) / 1000).toFixed(2)} s** |`);
}

/** Projects with one current scan each: of a hundred components 90 are MIT or Apache, 5 LGPL (conditional), 3 GPL, 2 have none. */
const fill = (projects: number, components: number, name: string) => sql`
  WITH team AS (INSERT INTO teams (name, slug) VALUES (${name}, ${name}) RETURNING id),
  project AS (INSERT INTO projects (team_id, name, slug) SELECT id, ${name} || n, ${name} || n FROM team, generate_series(1, ${projects}) n RETURNING id),
  scan AS (INSERT INTO scans (project_id, kind, status, is_current, completed_at) SELECT id, 'sbom', 'succeeded', true, now() FROM project RETURNING id, project_id),
  package AS (INSERT INTO packages (type, name) SELECT 'npm', ${name} || n FROM generate_series(1, ${components}) n RETURNING id, name),
  version AS (INSERT INTO package_versions (package_id, version) SELECT id, '1' FROM package RETURNING id, package_id),
  component AS (
    INSERT INTO components (project_id, package_version_id, purl) SELECT s.project_id, v.id, 'pkg:npm/' || p.name || '@1' FROM scan s, version v JOIN package p ON p.id = v.package_id RETURNING id, project_id, package_version_id
  )
  INSERT INTO scan_components (scan_id, component_id, package_version_id, ordinal, scope, type, license_expression, license_tier)
  SELECT s.id, c.id, c.package_version_id, n, 'required', 'library', e, 'unknown'
  FROM (SELECT c.*, row_number() OVER (PARTITION BY project_id ORDER BY package_version_id)::int - 1 AS n FROM component c) c
  JOIN scan s ON s.project_id = c.project_id, LATERAL (SELECT CASE WHEN n % 100 < 60 THEN 'MIT' WHEN n % 100 < 90 THEN 'Apache-2.0' WHEN n % 100 < 95 THEN 'LGPL-3.0-only' WHEN n % 100 < 98 THEN 'GPL-3.0-only' END AS e) l`;

const dataDir = await mkdtemp(path.join(tmpdir(), 'sca-portal-bench-'));
try {
  const server = await openEmbedded({ dataDir, log: quiet });
  try {
    await migrate(server.url, { log: quiet });
    const { db, close } = openDatabase(server.url, { max: 4, applicationName: 'bench', log: pino({ level: 'silent' }) });
    const services = { db, now: () => new Date(), log: pino({ level: 'silent' }), enqueue: () => Promise.resolve('') };
    const settle = (scanId: string) => inTransaction(db, async (tx) => {
      await lockLicenses(tx, [scanId]);
      return settleLicenses(tx, { scanId }, 'bench', new Date());
    });
    await fill(PROJECTS, COMPONENTS, 'many').execute(db);
    await fill(1, LARGE, 'large').execute(db);
    await sql`UPDATE projects p SET current_scan_id = s.id FROM scans s WHERE s.project_id = p.id`.execute(db);
    await sql`ANALYZE`.execute(db);
    const [scan] = (await sql<{ id: string }>`SELECT s.id FROM scans s JOIN projects p ON p.id = s.project_id WHERE p.name LIKE 'large%'`.execute(db)).rows;
    await timed(`settle a scan of ${LARGE} components: all tiers change, 500 approvals open`, () => settle(scan?.id ?? ''));
    await timed('the same again: nothing changes', () => settle(scan?.id ?? ''));
    await timed(`judge ${PROJECTS} projects of ${COMPONENTS} components for the first time: 200,000 tiers, 10,000 approvals`, () => rejudgeLicenses(services, null));
    await sql`INSERT INTO license_policies (license, tier) VALUES ('MIT', 'conditional')`.execute(db);
    await timed(`a policy that makes MIT conditional: 126,000 tiers change, as many approvals open`, () => rejudgeLicenses(services, null));
    await sql`UPDATE license_policies SET tier = 'allowed'`.execute(db);
    await timed('and back: 126,000 tiers change', () => rejudgeLicenses(services, null));
    await sql`INSERT INTO license_policies (purl_pattern, tier) SELECT 'pkg:npm/many' || n || '@*', 'forbidden' FROM generate_series(1, 100) n`.execute(db);
    await timed('100 policies about components: 19,400 tiers change', () => rejudgeLicenses(services, null));
    await timed('nothing has changed', () => rejudgeLicenses(services, null));
    await close();
  } finally {
    await server.stop(10_000);
  }
} finally {
  await rm(dataDir, { recursive: true, force: true });
}

licensesInText('builds the table');
const texts = Object.values<{ licenseText: string }>(list).map(({ licenseText }) => licenseText);
const rate = (of: readonly string[], rounds: number): string => {
  const startedAt = performance.now();
  for (let round = 0; round < rounds; round += 1) for (const text of of) licensesInText(text);
  return ((of.length * rounds * 1000) / (performance.now() - startedAt)).toFixed(0);
};
console.log(`| licence texts a second, all of the SPDX list | **${rate(texts, 3)}** |`);
console.log(`| MIT, BSD-3-Clause and Apache-2.0 in turn | **${rate([list.MIT.licenseText, list['BSD-3-Clause'].licenseText, list['Apache-2.0'].licenseText], 1_000)}** |`);
