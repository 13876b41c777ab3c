/** Old and new releases side by side: what the next one does to the database, this one bears while it works; and what older ones left, this one takes over. */
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sql } from 'kysely';
import * as assert from 'uvu/assert';
import { pause } from '../../src/core/values.ts';
import { migrate, MIGRATIONS, pendingMigrations, readMigrations } from '../../src/db/migrate.ts';
import { hashPassword } from '../../src/domain/auth/passwords.ts';
import { ContractClient, member } from '../support/contract.ts';
import { createTestDatabase } from '../support/database.ts';
import { sbomForm, SMALL_SBOM } from '../support/fixtures.ts';
import { hazardsOf } from '../support/migration-rules.ts';
import { startPortalProcess } from '../support/portal-process.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, scanToEnd } from '../support/scans.ts';
import { quietLog as log } from '../support/server.ts';
import { atEnd, suite } from '../support/suite.ts';

const ours = (await readMigrations()).map(({ name }) => name);

async function folderWith(names: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'migrations-'));
  atEnd(() => rm(folder, { recursive: true }));
  for (const name of names) await copyFile(path.join(MIGRATIONS, name), path.join(folder, name));
  for (const [name, text] of Object.entries(more)) await writeFile(path.join(folder, name), text);
  return folder;
}

/** What a release to come may do to tables that this one uses. */
const NEXT = {
  '9001_columns.sql': `ALTER TABLE scans ADD COLUMN mood text NOT NULL DEFAULT 'good', ADD COLUMN weight int;
    ALTER TABLE findings ADD COLUMN mood text NOT NULL DEFAULT 'good'; ALTER TABLE components ADD COLUMN mood text; ALTER TABLE scan_components ADD COLUMN mood text NOT NULL DEFAULT 'good';
    ALTER TABLE projects ADD COLUMN mood text; ALTER TABLE users ADD COLUMN mood text; ALTER TABLE sessions ADD COLUMN mood text; ALTER TABLE idempotency_keys ADD COLUMN mood text;
    CREATE TABLE moods (scan_id uuid PRIMARY KEY REFERENCES scans ON DELETE CASCADE);`,
  '9002_moods_concurrently.sql': 'CREATE INDEX CONCURRENTLY IF NOT EXISTS scans_mood_idx ON scans (mood);\nCREATE INDEX CONCURRENTLY IF NOT EXISTS scan_components_mood_idx ON scan_components (mood)',
  '9003_constraint.sql': 'ALTER TABLE scans ADD CONSTRAINT scans_weight_check CHECK (weight >= 0) NOT VALID',
  '9004_validated.sql': 'ALTER TABLE scans VALIDATE CONSTRAINT scans_weight_check',
  '9005_trigger.sql': `CREATE FUNCTION mood() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO moods VALUES (NEW.id) ON CONFLICT DO NOTHING; RETURN NULL; END $$;
    CREATE TRIGGER mood AFTER UPDATE OF status ON scans FOR EACH ROW EXECUTE FUNCTION mood()`,
};

const next = suite('the next release migrates');
next('while this one takes scans and answers requests: none fails, and none waits for long', async () => {
  assert.equal(Object.values(NEXT).flatMap(hazardsOf), [], 'the rules allow all this');
  const { admin, database } = await startTestPortal({ MAX_ACTIVE_SCANS_PER_TEAM: '50' });
  const project = await newProject(admin);
  await scanToEnd(admin, project, sbomForm(SMALL_SBOM));
  const state = { on: true, slowest: 0, statuses: new Map<number, number>() };
  const scans: string[] = [];
  const busy = async (work: (turn: number) => Promise<number>): Promise<void> => {
    for (let turn = 0; state.on; turn += 1) {
      const begin = performance.now();
      const status = await work(turn);
      state.slowest = Math.max(state.slowest, performance.now() - begin);
      state.statuses.set(status, (state.statuses.get(status) ?? 0) + 1);
      await pause(20);
    }
  };
  const all = Promise.all([
    busy(async (turn) => (await admin.call('listScans', { query: { limit: 5, offset: turn % 3 } })).status),
    busy(async () => (await admin.call('listProjectComponents', { path: { id: project } })).status),
    busy(async () => (await admin.call('getProject', { path: { id: project } })).status),
    busy(async (turn) => {
      const { status, body } = await admin.call('createScan', { path: { id: project }, form: sbomForm(SMALL_SBOM, { ref: `r${turn}` }), headers: { 'Idempotency-Key': crypto.randomUUID() } });
      if (status === 202) scans.push(String(member(body, 'id')));
      return status === 429 ? 202 : status;
    }),
  ]);
  await pause(500); // statements are prepared by now
  assert.equal(await migrate(database.url, { log, folder: await folderWith(ours, NEXT) }), Object.keys(NEXT));
  await pause(1_000);
  state.on = false;
  await all;
  assert.equal([...state.statuses.keys()].sort(), [200, 202], JSON.stringify([...state.statuses]));
  assert.ok(state.slowest < 10_000, `a request took ${state.slowest.toFixed(0)} ms`);
  const left = (): Promise<{ rows: { left: number }[] }> => sql<{ left: number }>`SELECT count(*)::int AS left FROM scans WHERE status <> 'succeeded'`.execute(database.db);
  while ((await left()).rows[0]?.left !== 0) await pause(50);
  assert.ok(scans.length > 5, `${scans.length} scans`);
  assert.is((await admin.expect(200, 'getReadiness')).status, 200); // newer migrations are no reason to be unready
  assert.equal(await migrate(database.url, { log: { ...log, warn: () => undefined } }), [], 'a process of this release starts again');
}, { timeoutMs: 90_000 });

const PASSWORD = 'a long enough passphrase';
/** The last release that is simulated: one with people, projects, scans, findings and notifications. */
const OLD = '0031_notification_channels.sql';

const old = suite('a database of an older release');
old('is taken over with its rows by the first process that starts, while others wait for it', async () => {
  const { url, db, pool } = await createTestDatabase();
  await pool.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  const folder = await folderWith(ours.filter((name) => name <= OLD));
  await migrate(url, { log, folder });
  await sql`INSERT INTO users (email, password_hash) VALUES ('old@example.com', ${await hashPassword(PASSWORD)})`.execute(db);
  await sql`INSERT INTO teams (name, slug) VALUES ('Old', 'old')`.execute(db);
  await sql`INSERT INTO memberships (user_id, team_id, role) SELECT u.id, t.id, 'team_admin' FROM users u, teams t`.execute(db);
  await sql`INSERT INTO projects (team_id, name, slug) SELECT id, 'Project ' || n, 'project-' || n FROM teams, generate_series(1, 20) n`.execute(db);
  await sql`
    INSERT INTO scans (project_id, kind, status, ref, component_count, completed_at, is_current) SELECT id, 'sbom', 'succeeded', 'main', 0, now(), true FROM projects`.execute(db);
  await sql`INSERT INTO notices (kind, project_id, audience, facts) SELECT 'scan_completed', project_id, 'team', jsonb_build_object('scan_id', id, 'ref', ref, 'components', 0) FROM scans`.execute(db);
  assert.equal(await pendingMigrations(db), ours.filter((name) => name > OLD));

  const dataDir = await mkdtemp(path.join(tmpdir(), 'sca-portal-data-'));
  atEnd(() => rm(dataDir, { recursive: true, force: true }));
  const environment = { DATABASE_URL: url, DATA_DIR: dataDir, SECRET_KEY: 'a-master-key-that-all-processes-share' };
  const [api, worker] = await Promise.all([startPortalProcess({ ...environment, ROLE: 'api' }), startPortalProcess({ ...environment, ROLE: 'worker' })]);
  assert.equal(await pendingMigrations(db), []);
  const client = await new ContractClient(api.url).signIn('old@example.com', PASSWORD);
  assert.is(member((await client.expect(200, 'listProjects')).body, 'total'), 20);
  assert.is(member((await client.expect(200, 'listScans', { query: { status: 'succeeded' } })).body, 'total'), 20);
  const project = await newProject(client);
  assert.is((await scanToEnd(client, project, sbomForm(SMALL_SBOM))).status, 'succeeded');
  const warnings: string[] = [];
  assert.equal(await migrate(url, { log: { ...log, warn: (message) => void warnings.push(message) }, folder }), [], 'a process of the older release may still start');
  assert.match(warnings.join(), /A newer portal made them/);
  assert.equal([await api.stop('SIGTERM'), await worker.stop('SIGTERM')], [0, 0]);
}, { timeoutMs: 90_000 });
