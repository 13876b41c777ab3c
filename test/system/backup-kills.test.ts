/** Workers that are killed while they make or restore a backup: what there was is whole, and another worker does it. */
import { mkdtemp, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sql } from 'kysely';
import * as assert from 'uvu/assert';
import { removeDataFolder } from '../../src/db/embedded.ts';
import { checksums, download, makeBackup, restoreForm, until } from '../support/backups.ts';
import { member } from '../support/contract.ts';
import { ADMIN, startTestPortal } from '../support/portal.ts';
import { startPortalProcess, type PortalProcess } from '../support/portal-process.ts';
import { scannedProject } from '../support/scans.ts';
import { atEnd, suite } from '../support/suite.ts';

const SECRET_KEY = 'a-master-key-that-all-processes-share';
const BACKUP_DIR = await mkdtemp(path.join(tmpdir(), 'sca-portal-backups-'));
atEnd(() => removeDataFolder(BACKUP_DIR));
const { admin, anonymous, database } = await startTestPortal({ SECRET_KEY, BACKUP_DIR }, { api: true, worker: false });
const { db } = database;
const WITHOUT = ['audit_log', 'notices', 'notifications', 'advisory_sources', 'gate_checks', 'gate_outcomes']; // jobs write them by themselves

async function startWorker(): Promise<PortalProcess> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sca-portal-worker-'));
  atEnd(() => removeDataFolder(folder));
  return startPortalProcess({ DATABASE_URL: database.url, DATA_DIR: folder, SECRET_KEY, BACKUP_DIR, ROLE: 'worker' });
}
/** Has whoever gets to the named table wait for us. @param mode of the lock that stops them */
async function held(mode: 'ACCESS EXCLUSIVE' | 'ACCESS SHARE', table: string, work: () => Promise<void>): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await sql`LOCK TABLE ${sql.table(table)} IN ${sql.raw(mode)} MODE`.execute(tx);
    await work();
  });
}
const waiting = async (application: string): Promise<boolean> =>
  (await sql`SELECT FROM pg_stat_activity WHERE application_name = ${`sca-portal ${application}`} AND wait_event_type = 'Lock' AND datname = current_database()`.execute(db)).rows.length > 0;

const kills = suite('a worker killed while it');
kills('makes a backup leaves it to another; restores one, what there was is whole, and another restores it', async () => {
  const first = await startWorker();
  await scannedProject(admin, 'pkg:npm/lodash@4.17.20', 'pkg:pypi/django@3.2.0');
  let name = '';
  await held('ACCESS EXCLUSIVE', 'vulnerabilities', async () => {
    name = String(member((await admin.expect(202, 'createAdminBackup')).body, 'name'));
    await until(() => waiting('backup'));
    await first.stop('SIGKILL');
  });
  assert.equal((await readdir(BACKUP_DIR)).filter((file) => file.endsWith('.gz')), [], 'nothing is there before it is whole');
  const second = await startWorker();
  await until(async () => (await sql`SELECT FROM backups WHERE name = ${name} AND status = 'succeeded'`.execute(db)).rows.length > 0);
  const archive = await download(admin, name);
  const taken = await checksums(db, WITHOUT);

  await scannedProject(admin, 'pkg:npm/minimist@1.2.5');
  const before = await checksums(db, WITHOUT);
  let id = '';
  await held('ACCESS SHARE', 'vulnerabilities', async () => { // it has loaded everything, and waits to take the place of what is there
    id = String(member((await admin.expect(202, 'restoreAdminBackup', { form: restoreForm(archive) })).body, 'task_id'));
    await until(() => waiting('restore'));
    await second.stop('SIGKILL');
  });
  await until(async () => (await sql`SELECT FROM pg_stat_activity WHERE application_name = 'sca-portal restore' AND datname = current_database()`.execute(db)).rows.length === 0);
  assert.equal(await checksums(db, WITHOUT), before);
  assert.equal((await sql`SELECT FROM pg_namespace WHERE nspname = 'sca_portal_restore'`.execute(db)).rows, []);
  await admin.expect(200, 'getMe');
  await startWorker();
  await until(async () => (await sql`SELECT FROM restores WHERE id = ${id} AND status = 'succeeded'`.execute(db)).rows.length > 0);
  assert.equal(await checksums(db, WITHOUT), taken);
  await sql`DELETE FROM rate_limits`.execute(db);
  const again = await anonymous.signIn(ADMIN.email, ADMIN.password);
  assert.is(member((await again.expect(200, 'getAdminRestore', { path: { task_id: id } })).body, 'progress_percent'), 100);
  assert.ok(await makeBackup(again));
}, { timeoutMs: 180_000 });
