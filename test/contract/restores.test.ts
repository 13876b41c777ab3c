/** /v1/admin/backup/restore: everything back from one archive, or nothing changed. */
import { readdir } from 'node:fs/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { sql } from 'kysely';
import * as assert from 'uvu/assert';
import { migrate, readMigrations } from '../../src/db/migrate.ts';
import { keyCheck } from '../../src/domain/backups/key-check.ts';
import { sweepBackups } from '../../src/domain/backups/sweep.ts';
import { archiveOf, backupOf, checksums, download, makeBackup, restoreForm, until } from '../support/backups.ts';
import { member, type ContractClient } from '../support/contract.ts';
import { ADMIN, startTestPortal } from '../support/portal.ts';
import { newProject, scannedProject } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const SECRET_KEY = 'a-master-key-that-both-portals-share';
/** That "nothing changes" is not spoilt by a notification, from the job that comes each minute, that this machine's disk fills up. */
const QUIET = { DISK_WARNING_PERCENT: '100', DISK_HARD_LIMIT_PERCENT: '100' };
const { portal, admin, anonymous, database } = await startTestPortal({ SECRET_KEY, ...QUIET });
const { db } = database;
const { services } = portal;
const all = (await readMigrations()).map(({ name, checksum }) => ({ name, checksum }));
const about = { key_check: keyCheck(services.vault) };

/** Restores and follows it to its end; returns how it ended. The administrator has to sign in again. */
async function restored(client: ContractClient, of: { db: typeof db }, archive: Buffer<ArrayBuffer>, fields?: Record<string, string>): Promise<{ status: string; error: string | null }> {
  const { body, headers } = await client.expect(202, 'restoreAdminBackup', { form: restoreForm(archive, fields) });
  assert.is(headers.get('Location'), `/v1/admin/backup/restore/${String(member(body, 'task_id'))}`);
  const find = async () => (await sql<{ status: string; error: string | null }>`SELECT status, error_message AS error FROM restores WHERE id = ${member(body, 'task_id')}`.execute(of.db)).rows[0];
  await until(async () => ['succeeded', 'failed'].includes((await find())?.status ?? ''));
  const end = await find();
  assert.ok(end !== undefined);
  return end;
}
async function signedIn(client: ContractClient, of: { db: typeof db }): Promise<ContractClient> {
  await sql`DELETE FROM rate_limits`.execute(of.db);
  return client.signIn(ADMIN.email, ADMIN.password);
}

const restore = suite('restoreAdminBackup');
restore('brings everything back as it was, in one step: rows, numbers, sessions ended, scans under way cancelled, backups still listed', async () => {
  const project = await scannedProject(admin, 'pkg:npm/lodash@4.17.20', 'pkg:pypi/django@3.2.0');
  await sql`INSERT INTO scans (project_id, kind, status, ref) VALUES (${project}, 'sbom', 'running', 'hung')`.execute(db);
  const name = await makeBackup(admin);
  const bytes = await download(admin, name);
  const before = await checksums(db, ['audit_log', 'scans', 'notices', 'notifications']);
  const audits = await sql<{ sum: string }>`SELECT md5(string_agg(a::text, '|' ORDER BY id)) AS sum FROM audit_log a WHERE created_at < (SELECT created_at FROM backups WHERE name = ${name})`.execute(db);
  await newProject(admin, { name: 'Made afterwards' });
  await sql`DELETE FROM scan_components`.execute(db);
  assert.equal(await restored(admin, { db }, bytes), { status: 'succeeded', error: null });
  await admin.isOut();
  assert.equal(await checksums(db, ['audit_log', 'scans', 'notices', 'notifications']), { ...before, advisory_sources: (await checksums(db))['advisory_sources'] ?? '' });
  assert.equal(await sql<{ sum: string }>`SELECT md5(string_agg(a::text, '|' ORDER BY id)) AS sum FROM audit_log a WHERE created_at < (SELECT created_at FROM backups WHERE name = ${name})`.execute(db).then(({ rows }) => rows), audits.rows);
  const again = await signedIn(anonymous, { db });
  assert.is((await backupOf(again, name))['status'], 'succeeded');
  const scans = member((await again.expect(200, 'listProjectScans', { path: { id: project } })).body, 'items');
  assert.equal((Array.isArray(scans) ? scans : []).map((scan) => member(scan, 'status')).sort(), ['cancelled', 'succeeded']);
  const found = member((await again.expect(200, 'listAdminAudit', { query: { target_table: ['restores'] } })).body, 'items');
  assert.equal((Array.isArray(found) ? found : []).map((row) => [member(row, 'actor_email'), member(row, 'action')]), [[ADMIN.email, 'update']], 'the order itself is among what was replaced');
  assert.not.ok((await sql`SELECT FROM projects WHERE name = 'Made afterwards'`.execute(db)).rows.length);
  for (const change of [sql`UPDATE audit_log SET action = 'x'`, sql`DELETE FROM audit_log`, sql`TRUNCATE audit_log`]) {
    const refused: unknown = await change.execute(db).then(() => null, (error: unknown) => error);
    assert.match(String(refused), /append-only/);
  }
  const later = await scannedProject(again, 'pkg:npm/minimist@1.2.5'); // identities, triggers and indexes work on
  assert.ok(later);
  const shape = await sql<{ text: string }>`SELECT string_agg(indexdef, '|' ORDER BY indexdef) AS text FROM pg_indexes WHERE schemaname = current_schema()`.execute(db);
  const fresh = await startTestPortal({ SECRET_KEY });
  assert.equal((await sql<{ text: string }>`SELECT string_agg(indexdef, '|' ORDER BY indexdef) AS text FROM pg_indexes WHERE schemaname = current_schema()`.execute(fresh.database.db)).rows, shape.rows);
  const constraints = sql<{ text: string }>`SELECT string_agg(conrelid::regclass || pg_get_constraintdef(oid) || convalidated, '|' ORDER BY conrelid::regclass::text, conname) AS text FROM pg_constraint WHERE connamespace = current_schema()::regnamespace`;
  assert.equal((await constraints.execute(fresh.database.db)).rows, (await constraints.execute(db)).rows);
  // and the same archive, in an empty installation
  assert.equal(await restored(fresh.admin, fresh.database, bytes), { status: 'succeeded', error: null });
  await fresh.admin.isOut();
  const without = ['audit_log', 'scans', 'notices', 'notifications', 'advisory_sources'];
  assert.equal(await checksums(fresh.database.db, without), Object.fromEntries(Object.entries(before).filter(([table]) => !without.includes(table))));
  const there = await signedIn(fresh.anonymous, fresh.database);
  await there.expect(200, 'getProject', { path: { id: project } });
  const told = member((await there.expect(200, 'listAdminBackups')).body, 'total');
  assert.is(told, 0);
}, { timeoutMs: 120_000 });
restore('takes the word, one restore at a time, and an archive; shows how far it is', async () => {
  const client = await signedIn(anonymous, { db });
  const archive = await archiveOf(about, all, []);
  for (const fields of [{}, { confirm: 'yes' }]) await client.refused('restore-confirmation-required', 'restoreAdminBackup', { form: restoreForm(archive, fields) });
  const empty = new FormData();
  empty.set('confirm', 'restore');
  await client.refused('validation-failed', 'restoreAdminBackup', { form: empty });
  await client.refused('not-found', 'getAdminRestore', { path: { task_id: crypto.randomUUID() } });
  const { rows } = await sql<{ id: string }>`INSERT INTO restores (backup_name) VALUES ('auto-20261124T000000Z') RETURNING id`.execute(db);
  await client.refused('conflict', 'restoreAdminBackup', { form: restoreForm(archive) });
  assert.is(member((await client.expect(200, 'getAdminRestore', { path: { task_id: rows[0]?.id ?? '' } })).body, 'status'), 'queued');
  await sql`UPDATE restores SET seen_at = now() - interval '31 minutes'`.execute(db);
  await sweepBackups(services);
  assert.is(member((await client.expect(200, 'getAdminRestore', { path: { task_id: rows[0]?.id ?? '' } })).body, 'status'), 'failed');
  assert.equal((await readdir(services.config.BACKUP_DIR)).filter((name) => !name.startsWith('auto-') && !name.startsWith('manual-')), [], 'uploads that came to nothing are gone');
});
restore('takes no other media type and no more than BACKUP_MAX_BYTES; an Idempotency-Key orders one backup', async () => {
  const own = await startTestPortal({ SECRET_KEY, BACKUP_MAX_BYTES: String(1024 * 1024) });
  await own.admin.refused('payload-too-large', 'restoreAdminBackup', { form: restoreForm(Buffer.alloc(1024 * 1024 + 1)) });
  await own.admin.refused('unsupported-media-type', 'restoreAdminBackup', { raw: 'x', contentType: 'application/gzip' });
  assert.equal(await readdir(own.portal.services.config.BACKUP_DIR), []);
  const headers = { 'Idempotency-Key': 'nightly' };
  const first = await own.admin.expect(202, 'createAdminBackup', { headers });
  assert.equal((await own.admin.expect(202, 'createAdminBackup', { headers })).body, first.body);
});
restore('a bad archive is refused with what is wrong with it, and nothing changes', async () => {
  const client = await signedIn(anonymous, { db });
  const before = await checksums(db, ['audit_log']);
  const good = await archiveOf(about, all, [{ name: 'teams', columns: ['id', 'name', 'slug'], text: `${crypto.randomUUID()}\tTeam\tteam\n` }]);
  const plain = gunzipSync(good);
  const altered = Buffer.from(plain);
  altered[altered.indexOf('\tTeam\t') + 1] = 0x58;
  const manifest = (text: string): Promise<Buffer<ArrayBuffer>> => archiveOf(about, all, []).then((bytes) => Buffer.from(gzipSync(Buffer.from(gunzipSync(bytes).toString('latin1').replace('"sca-portal-backup"', text), 'latin1'))));
  const cases: [RegExp, Buffer<ArrayBuffer>][] = [
    [/cannot be read/, Buffer.from('not an archive at all')],
    [/cannot be read/, good.subarray(0, good.length - 20)],
    [/no manifest/, Buffer.from(gzipSync(Buffer.alloc(1024)))],
    [/no manifest|cannot be read/, Buffer.from(gzipSync(plain.subarray(0, 1024)))],
    [/rows of the table teams/, Buffer.from(gzipSync(altered))],
    [/another version/, await archiveOf(about, [...all, { name: '9999_tomorrow.sql', checksum: 'f'.repeat(64) }], [])],
    [/with other content/, await archiveOf(about, all.map((one, index) => (index === 0 ? { ...one, checksum: 'f'.repeat(64) } : one)), [])],
    [/another SECRET_KEY/, await archiveOf({}, all, [])],
    [/not that of a backup/, await manifest('"sca-portal-backus"')],
    [/cannot be decrypted|cannot be read/, Buffer.from('age-encryption.org/v1\n-> scrypt nonsense 16\n')],
  ];
  for (const [detail, bytes] of cases) assert.match(String((await client.refused('invalid-backup', 'restoreAdminBackup', { form: restoreForm(bytes, { confirm: 'restore', passphrase: 'some words of mine' }) }))['detail']), detail);
  assert.equal(await checksums(db, ['audit_log']), before);
});
restore('rows that break the rules of their tables, and tables that are kept out, end it with nothing changed', async () => {
  const client = await signedIn(anonymous, { db });
  const before = await checksums(db, ['audit_log']);
  const bad = [
    { table: 'memberships', text: `${crypto.randomUUID()}\t${crypto.randomUUID()}\tdeveloper\n`, columns: ['user_id', 'team_id', 'role'], fault: /foreign key/ },
    { table: 'teams', text: 'no uuid\tTeam\tteam\n', columns: ['id', 'name', 'slug'], fault: /uuid/ },
    { table: 'teams', text: 'x\n', columns: ['no_such_column'], fault: /no_such_column/ },
    { table: 'sessions', text: '', columns: ['id'], fault: /does not keep/ },
    { table: 'pg_authid', text: '', columns: ['rolname'], fault: /does not keep/ },
  ];
  for (const { table, text, columns, fault } of bad) {
    const { status, error } = await restored(client, { db }, await archiveOf(about, all, [{ name: table, columns, text }]));
    assert.is(status, 'failed');
    assert.match(String(error), fault);
  }
  assert.equal(await checksums(db, ['audit_log']), before);
  await client.expect(200, 'getMe');
}, { timeoutMs: 60_000 });
restore('an archive of an older version of the portal is brought up to date', async () => {
  const own = await startTestPortal({ SECRET_KEY });
  const older = all.filter(({ name }) => name < '0013');
  const id = crypto.randomUUID();
  const hash = (await sql<{ password_hash: string }>`SELECT password_hash FROM users WHERE email = ${ADMIN.email}`.execute(own.database.db)).rows[0]?.password_hash ?? '';
  const archive = await archiveOf({ ...about, name: 'auto-20250101T000000Z', kind: 'auto' }, older, [{ name: 'users', columns: ['id', 'email', 'password_hash', 'is_super_admin'], text: `${id}\t${ADMIN.email}\t${hash}\tt\n` }]);
  assert.equal(await restored(own.admin, own.database, archive), { status: 'succeeded', error: null });
  await own.admin.isOut();
  const client = await signedIn(own.anonymous, own.database);
  assert.is(member((await client.expect(200, 'getMe')).body, 'id'), id);
  assert.equal(await migrate(own.database.url, { log: services.log }), [], 'nothing is left to be applied');
  await scannedProject(client, 'pkg:npm/lodash@4.17.20');
}, { timeoutMs: 60_000 });
restore('with BACKUP_PASSPHRASE archives are encrypted as age does, and open with the passphrase of either portal', async () => {
  const passphrase = 'six words that nobody has guessed yet';
  const own = await startTestPortal({ SECRET_KEY, BACKUP_PASSPHRASE: passphrase });
  const name = await makeBackup(own.admin);
  const bytes = await download(own.admin, name);
  assert.equal([(await backupOf(own.admin, name))['is_encrypted'], bytes.subarray(0, 21).toString()], [true, 'age-encryption.org/v1']);
  assert.is((await own.admin.expect(200, 'downloadAdminBackup', { path: { name } })).headers.get('Content-Type'), 'application/octet-stream');
  const client = await signedIn(anonymous, { db });
  const order: Record<string, string> = { confirm: 'restore' };
  for (const fields of [order, { ...order, passphrase: 'of something else' }]) await client.refused('invalid-backup', 'restoreAdminBackup', { form: restoreForm(bytes, fields) });
  const spoilt = Buffer.from(bytes);
  spoilt[spoilt.length - 5] = (spoilt.at(-5) ?? 0) ^ 1;
  await client.refused('invalid-backup', 'restoreAdminBackup', { form: restoreForm(spoilt, { confirm: 'restore', passphrase }) });
  assert.equal(await restored(client, { db }, bytes, { confirm: 'restore', passphrase }), { status: 'succeeded', error: null });
  assert.equal(await restored(own.admin, own.database, bytes), { status: 'succeeded', error: null });
}, { timeoutMs: 60_000 });
