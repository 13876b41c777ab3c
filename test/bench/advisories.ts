/**
 * Imports: the exports of PyPI and Go for the first time, again, and with one record changed; EPSS scores of 250,000 CVEs; CISA's catalogue; a record that changes the
 * findings of 1,000 projects, joins and parts them; 100,000 distinct package versions matched against all of it.
 * `sh scripts/node.sh test/bench/advisories.ts folder-with-Go.zip-and-PyPI.zip`
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { sql } from 'kysely';
import { versionKey } from '../../src/advisories/versions/index.ts';
import { readZip } from '../../src/advisories/zip.ts';
import { matchPackageVersions } from '../../src/db/matches.ts';
import { ensurePackageVersions, type PackageVersion } from '../../src/db/packages.ts';
import { importAdvisories } from '../../src/domain/advisories/import.ts';
import type { ImportReport } from '../../src/domain/advisories/report.ts';
import { osv, type Described } from '../support/advisories.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject } from '../support/scans.ts';
import { suite } from '../support/suite.ts';
import { zipOf } from '../support/zip.ts';

const FOLDER = process.argv[2] ?? '';
const SCORES = 250_000;
const PROJECTS = 1_000;
const MATCHED = 100_000;

const { portal, admin, database: { db } } = await startTestPortal({}, { api: true, worker: false });

async function timed(name: string, location: string): Promise<{ report: ImportReport; seconds: number }> {
  const start = performance.now();
  const report = await importAdvisories(portal.services, location, () => undefined);
  const seconds = (performance.now() - start) / 1000;
  const read = report.records + report.exploited + report.predictions;
  console.log(`${name}: ${seconds.toFixed(2)} s, ${read} read (${Math.round(read / seconds)} a second), ${report.changed} new or changed, ${report.refused} refused, ${report.faults.length} faults`);
  for (const fault of report.faults) console.log(`    ${fault}`);
  return { report, seconds };
}

/** The export with one record changed. */
async function changed(file: string): Promise<Buffer> {
  const entries: { name: string; content: Buffer }[] = [];
  for await (const item of readZip(file, () => true, 64 * 1024 * 1024)) if ('content' in item) entries.push(item);
  const [first] = entries;
  if (first !== undefined) first.content = Buffer.from(JSON.stringify({ ...JSON.parse(String(first.content)), modified: new Date().toISOString() }));
  return zipOf(entries);
}

/** A package in the current scans of many projects, with a hundred other components in each. */
async function seedProjects(): Promise<void> {
  const first = await newProject(admin);
  await sql`INSERT INTO packages (type, name, ecosystem, match_name) SELECT 'npm', 'reach-' || n, 'npm', 'reach-' || n FROM generate_series(1, 101) n`.execute(db);
  await sql`INSERT INTO package_versions (package_id, version, version_key, matched_at) SELECT id, '1.0.0', ${versionKey('npm', '1.0.0')}, now() FROM packages`.execute(db);
  await sql`INSERT INTO projects (team_id, name, slug) SELECT team_id, 'Reach ' || n, 'reach-' || n FROM projects, generate_series(1, ${sql.lit(PROJECTS)}) n WHERE id = ${first}`.execute(db);
  await sql`INSERT INTO scans (project_id, kind, status, is_current, completed_at) SELECT id, 'sbom', 'succeeded', true, now() FROM projects WHERE slug LIKE 'reach-%'`.execute(db);
  await sql`UPDATE projects p SET current_scan_id = s.id FROM scans s WHERE s.project_id = p.id`.execute(db);
  await sql`INSERT INTO components (project_id, package_version_id, purl) SELECT s.project_id, pv.id, 'pkg:npm/' || p.name || '@1.0.0' FROM scans s, package_versions pv JOIN packages p ON p.id = pv.package_id`.execute(db);
  await sql`
    INSERT INTO scan_components (scan_id, component_id, package_version_id, ordinal, direct, depth, scope, type, license_tier)
    SELECT s.id, c.id, c.package_version_id, row_number() OVER (PARTITION BY s.id) - 1, true, 1, 'required', 'library', 'allowed' FROM scans s JOIN components c ON c.project_id = s.project_id`.execute(db);
  await sql`ANALYZE`.execute(db);
}

async function reach(folder: string): Promise<void> {
  await seedProjects();
  const file = path.join(folder, 'record.json');
  const bring = async (name: string, day: number, described: Described): Promise<void> => {
    await writeFile(file, JSON.stringify(osv({ name: 'reach-1', modified: `2024-01-${day}T00:00:00Z`, ...described })));
    const { report } = await timed(name, file);
    console.log(`    ${report.findingsOpened} findings opened, ${report.findingsResolved} resolved`);
  };
  await bring('a record that reaches 1,000 projects', 10, { id: 'GHSA-reach' });
  await bring('a second one', 11, { id: 'PYSEC-reach' });
  await bring('the second is found to be the first', 12, { id: 'PYSEC-reach', aliases: ['GHSA-reach'] });
  await bring('and is not', 13, { id: 'PYSEC-reach' });
  await bring('the first no longer affects the version', 14, { id: 'GHSA-reach', fixed: '0.5.0' });
}

/** Distinct package versions, half of them of packages that the records name: their own versions, and ones between. */
async function match(): Promise<void> {
  const { rows } = await sql<{ ecosystem: string; name: string; versions: string[] }>`
    SELECT ecosystem, match_name AS name, array_agg(DISTINCT bound) AS versions FROM (
      SELECT ecosystem, match_name, unnest(ARRAY[introduced, fixed, last_affected] || exact) AS bound FROM advisory_ranges) r
    WHERE bound <> '0' AND ecosystem IN ('PyPI', 'Go') GROUP BY 1, 2 ORDER BY 1, 2`.execute(db);
  const distinct = new Map<string, PackageVersion>();
  const add = (ecosystem: string, full: string, version: string): void => {
    const slash = full.lastIndexOf('/');
    distinct.set(`${ecosystem} ${full} ${version}`, { type: ecosystem === 'Go' ? 'golang' : 'pypi', namespace: full.slice(0, Math.max(slash, 0)), name: full.slice(slash + 1), version });
  };
  for (const { ecosystem, name, versions } of rows) for (const version of versions) add(ecosystem, name, version);
  for (let round = 0; distinct.size < MATCHED / 2; round += 1) for (const { ecosystem, name } of rows) if (distinct.size < MATCHED / 2) add(ecosystem, name, `${round % 7}.${Math.floor(round / 7)}.${(round * 31) % 13}`);
  for (let index = 0; distinct.size < MATCHED; index += 1) add(index % 2 === 0 ? 'Go' : 'PyPI', `clean-${index}`, '1.0.0');
  const versions = [...distinct.values()];
  const start = performance.now();
  const ids = await ensurePackageVersions(db, versions);
  const stored = performance.now();
  await matchPackageVersions(db, ids);
  const { rows: [found] } = await sql<{ matches: number; vulnerable: number }>`SELECT count(*)::int AS matches, count(DISTINCT package_version_id)::int AS vulnerable FROM matches WHERE package_version_id = ANY(${ids}::bigint[])`.execute(db);
  console.log(`${versions.length} distinct package versions: stored with their keys in ${((stored - start) / 1000).toFixed(2)} s, matched in ${((performance.now() - stored) / 1000).toFixed(2)} s: ${found?.matches ?? 0} matches of ${found?.vulnerable ?? 0} versions`);
}

async function bench(): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sca-portal-bench-'));
  try {
    for (const name of ['PyPI', 'Go']) {
      const file = path.join(FOLDER, `${name}.zip`);
      const first = await timed(`${name}, first`, file);
      const again = await timed(`${name}, again`, file);
      await writeFile(path.join(folder, `${name}.zip`), await changed(file));
      const one = await timed(`${name}, one record changed`, path.join(folder, `${name}.zip`));
      console.log(`${name}: again ${((100 * again.seconds) / first.seconds).toFixed(1)} % of the first, with one change ${((100 * one.seconds) / first.seconds).toFixed(1)} %`);
    }
    await timed('CISA', path.join(FOLDER, 'known_exploited_vulnerabilities.json.gz'));
    for (const day of [1, 2]) {
      const lines = Array.from({ length: SCORES }, (_, index) => `CVE-${1999 + (index % 27)}-${1000 + Math.floor(index / 27)},0.${String((index * 7919 + day) % 99991).padStart(5, '0')},0.${String((index * 104729 + day) % 99991).padStart(5, '0')}`);
      const file = path.join(folder, `epss-${day}.csv.gz`);
      await writeFile(file, gzipSync(`#model_version:v2025.03.14,score_date:2026-11-0${day}T00:00:00+0000\ncve,epss,percentile\n${lines.join('\n')}\n`));
      await timed(`EPSS, day ${day}`, file);
      await timed(`EPSS, day ${day} again`, file);
    }
    await reach(folder);
    await match();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

suite('advisories')('imports', bench, { timeoutMs: 600_000 });
