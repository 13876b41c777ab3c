/** /v1/admin/backup: one archive of everything, listed, downloaded, deleted, and made by itself. (Restoring: restores.test.ts) */
import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { sql } from 'kysely';
import * as assert from 'uvu/assert';
import { readMigrations } from '../../src/db/migrate.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { beginBackup } from '../../src/domain/backups/backups.ts';
import { runBackup } from '../../src/domain/backups/make.ts';
import { sweepBackups } from '../../src/domain/backups/sweep.ts';
import { backupOf, download, makeBackup, restoreForm, sha256, until } from '../support/backups.ts';
import { member } from '../support/contract.ts';
import { startTestPortal } from '../support/portal.ts';
import { newUser, scannedProject } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { portal, admin, anonymous, database } = await startTestPortal();
const { db } = database;
const { services } = portal;
const never = new AbortController().signal;

async function automatic(of = services): Promise<void> {
  const name = await inTransaction(db, (tx) => beginBackup(tx, of, 'auto'));
  assert.ok(name !== undefined);
  await runBackup(of, name, never);
}

const make = suite('createAdminBackup');
make('makes one archive at a time, whose digest and size the list has; who is no super admin sees none of it', async () => {
  await scannedProject(admin, 'pkg:npm/lodash@4.17.20');
  await sql`INSERT INTO backups (name, kind, is_encrypted) VALUES ('manual-20200101T000000Z', 'manual', false)`.execute(db);
  await admin.refused('conflict', 'createAdminBackup');
  await admin.refused('conflict', 'downloadAdminBackup', { path: { name: 'manual-20200101T000000Z' } });
  await admin.refused('conflict', 'deleteAdminBackup', { path: { name: 'manual-20200101T000000Z' } });
  await sql`UPDATE backups SET seen_at = now() - interval '31 minutes'`.execute(db);
  await sweepBackups(services);
  assert.match(String((await backupOf(admin, 'manual-20200101T000000Z'))['error_message']), /died/);
  await admin.refused('conflict', 'downloadAdminBackup', { path: { name: 'manual-20200101T000000Z' } });
  const name = await makeBackup(admin);
  const backup = await backupOf(admin, name);
  const bytes = await download(admin, name);
  assert.equal([backup['status'], backup['kind'], backup['progress_percent'], backup['is_encrypted'], backup['size_bytes'], backup['sha256']], ['succeeded', 'manual', 100, false, bytes.length, sha256(bytes)]);
  assert.is(backup['db_revision'], (await readMigrations()).at(-1)?.name.replace('.sql', ''));
  const answer = await admin.expect(200, 'downloadAdminBackup', { path: { name } });
  assert.equal([answer.headers.get('Content-Type'), answer.headers.get('Content-Length'), answer.headers.get('Content-Disposition')], ['application/gzip', String(bytes.length), `attachment; filename="${name}.tar.gz"`]);
  const text = gunzipSync(bytes).toString('latin1');
  assert.ok(text.includes('pkg:npm/lodash@4.17.20') && !text.includes(admin.token ?? ' '));
  const { client } = await newUser(anonymous, database, 'team_admin');
  for (const [id, options] of [['listAdminBackups', {}], ['createAdminBackup', {}], ['downloadAdminBackup', { path: { name } }], ['deleteAdminBackup', { path: { name } }], ['restoreAdminBackup', { form: restoreForm(bytes) }]] as const) await client.refused('not-found', id, options);
  await admin.expect(204, 'deleteAdminBackup', { path: { name } });
  for (const id of ['downloadAdminBackup', 'deleteAdminBackup'] as const) await admin.refused('not-found', id, { path: { name } });
  assert.equal(await readdir(services.config.BACKUP_DIR), []);
});
make('a file that is not where it was is a conflict, a fault is told to super admins, and automatic ones go with age', async () => {
  await automatic();
  const auto = member((await admin.expect(200, 'listAdminBackups', { query: { kind: 'auto' } })).body, 'items', 0);
  const name = String(member(auto, 'name'));
  await admin.refused('backup-protected', 'deleteAdminBackup', { path: { name } });
  await writeFile(path.join(services.config.BACKUP_DIR, `${name}.tar.gz`), 'short');
  await admin.refused('conflict', 'downloadAdminBackup', { path: { name } });
  await sql`UPDATE backups SET created_at = created_at - interval '8 days', name = 'auto-20200101T000000Z' WHERE name = ${name}`.execute(db);
  await sql`UPDATE backups SET created_at = created_at - interval '8 days' WHERE kind = 'manual'`.execute(db);
  const failing = { ...services, config: { ...services.config, BACKUP_DIR: '/dev/null/nowhere' } };
  await automatic(failing);
  const items = member((await admin.expect(200, 'listAdminBackups', { query: { kind: 'auto' } })).body, 'items');
  assert.equal((Array.isArray(items) ? items : []).map((one) => member(one, 'status')), ['failed', 'succeeded'], 'the newest good one stays whatever its age');
  const health = async (): Promise<unknown> => {
    const parts = member((await admin.expect(200, 'getAdminHealth')).body, 'components');
    return Array.isArray(parts) ? parts.find((one) => member(one, 'name') === 'backups') : undefined;
  };
  assert.equal([member(await health(), 'status'), /failed: .*nowhere/.test(String(member(await health(), 'detail')))], ['degraded', true]);
  await until(async () => member((await admin.expect(200, 'listNotifications', { query: { kind: ['backup_failed'] } })).body, 'total') === 2); // this one, and the one above whose worker died
  await new Promise((resolve) => setTimeout(resolve, 1_000)); // names tell seconds apart
  await automatic();
  assert.is(member(await health(), 'status'), 'ok');
  const { rows } = await sql<{ name: string }>`SELECT name FROM backups WHERE kind = 'auto' AND created_at < now() - interval '1 day'`.execute(db);
  assert.equal(rows, []);
});
