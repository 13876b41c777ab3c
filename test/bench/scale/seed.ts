/**
 * `make seed-scale`: fills an empty database with an installation of 2,000 projects, 200,000 scans, 1,000,000 package versions, 10,000,000 findings and 1,000,000 audit rows; SCALE=0.1 for a
 * tenth. DATABASE_URL names the database; without it an embedded one is made in SEED_DIR, which a portal can then use as its DATA_DIR.
 */
import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sql } from 'kysely';
import { messageOf } from '../../../src/core/values.ts';
import { openDatabase, type Db, type Tx } from '../../../src/db/connect.ts';
import { openEmbedded } from '../../../src/db/embedded.ts';
import { migrate } from '../../../src/db/migrate.ts';
import { refreshFindings } from '../../../src/db/refresh.ts';
import { seedAudit, seedFindings } from './findings.ts';
import { seedPackages, seedVulnerabilities } from './packages.ts';
import { seedNotifications, seedPeople } from './people.ts';
import { sizesAt, type Seed } from './random.ts';
import { seedComponents, seedProjects } from './scans.ts';
import { suspend } from './suspend.ts';

const GIB = 1024 ** 3;
/** On disk at SCALE=1, with room for what is written besides. */
const ROOM = 40 * GIB;
const log = { info: (): void => undefined, warn: (): void => undefined, error: console.error };
/** For loading: what a crash loses is made again. */
const FAST = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', shared_buffers: '1GB', max_wal_size: '16GB', checkpoint_timeout: '1h' };

const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/** Rows and time of each step, as a log. */
function stepper(tx: Tx): Seed['step'] {
  return async (name, work) => {
    const since = performance.now();
    const { numAffectedRows } = await work.execute(tx);
    if (name.startsWith('seed_')) await sql`ANALYZE ${sql.table(name)}`.execute(tx); // nothing else looks at temporary tables
    console.log(`${name}: ${numAffectedRows === undefined ? '' : `${numAffectedRows.toLocaleString('en')} rows, `}${seconds(since)}`);
  };
}

async function fill(db: Db, scale: number): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const { rows: [found] } = await sql<{ used: boolean }>`SELECT EXISTS (SELECT FROM projects) OR EXISTS (SELECT FROM packages) OR EXISTS (SELECT FROM vulnerabilities) AS used`.execute(tx);
    if (found?.used !== false) throw new Error('the database is in use: only an empty one is filled');
    for (const setting of ["work_mem = '512MB'", "maintenance_work_mem = '1GB'", 'max_parallel_maintenance_workers = 1', 'synchronous_commit = off', 'statement_timeout = 0', 'jit = off']) await sql.raw(`SET LOCAL ${setting}`).execute(tx);
    const seed: Seed = { tx, step: stepper(tx), size: sizesAt(scale) };
    const restores = await suspend(tx);
    await seedPeople(seed);
    await seedPackages(seed);
    await seedVulnerabilities(seed);
    await seedProjects(seed);
    await seedComponents(seed);
    await seedFindings(seed);
    await seedAudit(seed);
    await seedNotifications(seed);
    for (const table of ['packages', 'package_versions', 'vulnerabilities']) await sql`SELECT setval(pg_get_serial_sequence(${table}, 'id'), (SELECT max(id) FROM ${sql.table(table)}))`.execute(tx);
    for (const restore of restores) await seed.step(/ADD CONSTRAINT \S+|INDEX \S+/.exec(restore)?.[0] ?? restore, sql.raw(restore));
  });
}

/** A refresh of some projects changes nothing: the derived columns are as the portal would have made them. */
async function verify(db: Db): Promise<void> {
  const { rows } = await sql<{ id: string; scans: string[] }>`
    SELECT id, ARRAY(SELECT s.id FROM scans s WHERE s.project_id = p.id) AS scans FROM projects p WHERE archived_at IS NULL ORDER BY md5(slug) LIMIT 20`.execute(db);
  for (const { id, scans } of rows) {
    const changes = await db.transaction().execute(async (tx) => {
      const { opened, resolved } = await refreshFindings(tx, { projectId: id, scanIds: scans });
      const { rows: [checks] } = await sql<{ moved: number }>`SELECT count(*)::int AS moved FROM gate_checks WHERE project_id = ${id}`.execute(tx);
      return opened + resolved + (checks?.moved ?? 0);
    });
    if (changes > 0) throw new Error(`a refresh of project ${id} changed ${changes} things: the seed does not agree with src/db/refresh.ts`);
  }
}

async function report(db: Db): Promise<void> {
  const tables = ['teams', 'users', 'projects', 'scans', 'packages', 'package_versions', 'components', 'scan_components', 'vulnerabilities', 'matches', 'findings', 'finding_events', 'license_findings', 'approvals', 'audit_log', 'notifications'];
  for (const table of tables) {
    const { rows: [row] } = await sql<{ count: number; size: string }>`SELECT count(*)::int AS count, pg_size_pretty(pg_total_relation_size(${table}::regclass)) AS size FROM ${sql.table(table)}`.execute(db);
    console.log(`${table}: ${row?.count.toLocaleString('en')}, ${row?.size}`);
  }
}

async function main(): Promise<void> {
  const scale = Number(process.env['SCALE'] || 1);
  if (!(scale >= 0.001 && scale <= 2)) throw new Error('SCALE must be from 0.001 to 2');
  const given = process.env['DATABASE_URL'];
  const dataDir = process.env['SEED_DIR'] || path.join(tmpdir(), 'sca-portal-scale');
  if (!given) {
    const disk = await statfs(path.dirname(dataDir));
    const free = disk.bavail * disk.bsize;
    if (free < ROOM * scale) throw new Error(`${(free / GIB).toFixed(0)} GiB are free and ${((ROOM * scale) / GIB).toFixed(0)} are needed: take a smaller SCALE`);
  }
  const embedded = given ? null : await openEmbedded({ dataDir, log, settings: FAST });
  const url = given || (embedded?.url ?? '');
  const since = performance.now();
  const { db, close } = openDatabase(url, { max: 2, applicationName: 'seed', log, statementTimeout: 0 });
  try {
    await migrate(url, { log });
    await fill(db, scale);
    await sql`VACUUM (ANALYZE)`.execute(db);
    await verify(db);
    await report(db);
    console.log(`Filled in ${seconds(since)}.${given ? '' : ` Serve it with DATA_DIR=${dataDir} make start, and remove the folder when done.`}`);
  } finally {
    await close();
    await embedded?.stop(60_000);
  }
}

await main().catch((error: unknown) => {
  console.error(`make seed-scale: ${messageOf(error)}`);
  process.exitCode = 1;
});
