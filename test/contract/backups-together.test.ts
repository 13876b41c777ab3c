/** Backups and restores beside migrations, other workers, other settings, and what others keep in the same database. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import path from 'node:path';
import { mock } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { sql } from 'kysely';
import { pack } from 'tar-stream';
import * as assert from 'uvu/assert';
import { replaceAll } from '../../src/db/backup/replace.ts';
import type { Snapshot } from '../../src/db/backup/snapshot.ts';
import { ownTables } from '../../src/db/backup/tables.ts';
import { LOCK, LOCK_CLASS } from '../../src/db/locks.ts';
import { migrate, readMigrations } from '../../src/db/migrate.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { beginBackup } from '../../src/domain/backups/backups.ts';
import { uploadFile } from '../../src/domain/backups/files.ts';
import { keyCheck } from '../../src/domain/backups/key-check.ts';
import { orderAutomaticBackup, runBackup } from '../../src/domain/backups/make.ts';
import { readArchive } from '../../src/domain/backups/read-archive.ts';
import { runRestore } from '../../src/domain/backups/restore.ts';
import { whileSeen } from '../../src/domain/backups/seen.ts';
import { writeArchive } from '../../src/domain/backups/write-archive.ts';
import { archiveOf, restoreForm, until } from '../support/backups.ts';
import { createTestDatabase } from '../support/database.ts';
import { startTestPortal } from '../support/portal.ts';
import { suite } from '../support/suite.ts';

const { portal, admin, database } = await startTestPortal({ SECRET_KEY: 'a-master-key-that-has-32-characters' }, { api: true, worker: false });
const { db } = database;
const { services } = portal;
const { config } = services;
const never = new AbortController().signal;
const file = (name: string): string => path.join(config.BACKUP_DIR, name);

const ordered = async (kind: 'auto' | 'manual' = 'manual'): Promise<string> => {
  const name = await inTransaction(db, (tx) => beginBackup(tx, services, kind));
  assert.ok(name !== undefined);
  return name;
};
const stateOf = async (table: 'backups' | 'restores', key: string): Promise<{ status: string; error: string | null } | undefined> =>
  (await sql<{ status: string; error: string | null }>`SELECT status, error_message AS error FROM ${sql.table(table)} WHERE ${sql.ref(table === 'backups' ? 'name' : 'id')} = ${key}`.execute(db)).rows[0];
const waiting = async (name: string): Promise<boolean> =>
  (await sql`SELECT FROM pg_stat_activity WHERE application_name = ${`sca-portal ${name}`} AND wait_event_type = 'Lock' AND datname = current_database()`.execute(db)).rows.length > 0;
/** As a migration or restore that is under way when `begin` starts, and does `work` to its end before that goes on. */
async function meanwhile(begin: () => Promise<void>, application: string, work: (tx: typeof db) => Promise<unknown>): Promise<void> {
  let begun = Promise.resolve();
  await db.transaction().execute(async (tx) => {
    await sql`SELECT pg_advisory_xact_lock(${LOCK_CLASS}, ${LOCK.migrations})`.execute(tx);
    begun = begin();
    await until(() => waiting(application));
    await work(tx);
  });
  await begun;
}
async function archive(name: string): Promise<Buffer<ArrayBuffer>> {
  assert.equal(await stateOf('backups', name), { status: 'succeeded', error: null });
  return Buffer.from(await readFile(file(`${name}.tar.gz`)));
}
async function orderedRestore(bytes: Buffer): Promise<string> {
  const { rows: [row] } = await sql<{ id: string }>`INSERT INTO restores (backup_name) VALUES ('manual-20261124T104000Z') RETURNING id`.execute(db);
  await writeFile(uploadFile(config, row?.id ?? ''), bytes);
  return row?.id ?? '';
}

const make = suite('a backup beside others');
make('that waits for a restore or migration has what that wrote', async () => {
  const name = await ordered();
  await meanwhile(() => runBackup(services, name, never), 'backup', (tx) => sql`INSERT INTO teams (name, slug) VALUES ('Written meanwhile', 'meanwhile')`.execute(tx));
  assert.ok(gunzipSync(await archive(name)).includes('Written meanwhile'));
});
make('leaves no file where it was given up meanwhile, nor any part of one', async () => {
  await sql`UPDATE backups SET created_at = created_at - interval '1 day', name = 'manual-20200101T000000Z'`.execute(db);
  const before = await readdir(config.BACKUP_DIR);
  const name = await ordered();
  await meanwhile(() => runBackup(services, name, never), 'backup', () => sql`UPDATE backups SET status = 'failed' WHERE name = ${name}`.execute(db));
  assert.is((await stateOf('backups', name))?.status, 'failed');
  assert.equal(await readdir(config.BACKUP_DIR), before);
  await sql`DELETE FROM backups`.execute(db);
});
make('is never written in the clear where it was ordered to be encrypted', async () => {
  await sql`INSERT INTO backups (name, kind, is_encrypted) VALUES ('manual-20260101T000000Z', 'manual', true)`.execute(db);
  await runBackup(services, 'manual-20260101T000000Z', never);
  assert.match(String((await stateOf('backups', 'manual-20260101T000000Z'))?.error), /BACKUP_PASSPHRASE/);
  assert.not.ok((await readdir(config.BACKUP_DIR)).some((one) => one.startsWith('manual-20260101T000000Z')));
});
make('by itself has its name in its job, so that another worker begins it anew', async () => {
  const name = await orderAutomaticBackup(services);
  assert.is(await orderAutomaticBackup(services), undefined, 'one at a time');
  const { rows } = await sql<{ data: unknown }>`SELECT data FROM pgboss.job WHERE name = 'make-backup' AND data ->> 'name' = ${name}`.execute(db);
  assert.equal(rows.map(({ data }) => data), [{ name }]);
  await runBackup(services, name ?? '', never);
  assert.is((await stateOf('backups', name ?? ''))?.status, 'succeeded');
});
make('counts as worked on while it waits', async () => {
  mock.timers.enable({ apis: ['setInterval'] });
  let seen = 0;
  await whileSeen(() => Promise.resolve(void (seen += 1)), () => Promise.resolve(mock.timers.tick(180_000)));
  mock.timers.tick(180_000);
  mock.timers.reset();
  assert.is(seen, 3);
});
make('knows the tables that are ours', async () => {
  const { rows } = await sql<{ name: string }>`SELECT table_name::text AS name FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' AND table_name <> 'schema_migrations'`.execute(db);
  const own = await ownTables();
  assert.equal(rows.map(({ name }) => name).filter((name) => !own.has(name)), []);
});

make('whose disk is full, whose worker stops, or whose database goes, fails and takes nobody along', async () => {
  const block = randomBytes(1024 * 1024);
  const endless = async function* (blocks: number): AsyncGenerator<Buffer> {
    for (let left = blocks; left > 0; left -= 1) yield await Promise.resolve(block);
    throw new Error('the connection broke');
  };
  const about = { name: 'manual-20261124T104000Z', kind: 'manual', created_at: '2026-11-24T10:40:00.000Z', key_check: '0'.repeat(64) } as const;
  const fault = (to: string, blocks: number, passphrase: string | null, signal = never): Promise<string> => {
    const snapshot: Snapshot = { tables: [{ name: 'teams', columns: ['name'], bytes: 1 }], sequences: [], migrations: [], read: () => endless(blocks) };
    return writeArchive(to, about, snapshot, { passphrase, signal, onProgress: () => Promise.resolve() }).then(() => 'made', String);
  };
  for (const passphrase of [null, 'six words that nobody has guessed yet']) {
    if (existsSync('/dev/full')) assert.match(await fault('/dev/full', 200, passphrase), /ENOSPC/);
    assert.match(await fault(file('stopped'), 2_000, passphrase, AbortSignal.timeout(50)), /abort/i);
    assert.match(await fault(file('broken'), 20, passphrase), /connection broke/);
  }
});

const restore = suite('a restore beside others');
restore('whose client goes during the check is not queued, and leaves nothing', async () => {
  const text = `${'x'.repeat(1023)}\n`.repeat(128 * 1024); // of which little is sent, and much is to be checked
  const bytes = await archiveOf({ key_check: keyCheck(services.vault) }, (await readMigrations()).map(({ name, checksum }) => ({ name, checksum })), [{ name: 'teams', columns: ['name'], text }]);
  const before = await readdir(config.BACKUP_DIR).catch((): string[] => []);
  const left = async (): Promise<string[]> => (await readdir(config.BACKUP_DIR).catch((): string[] => [])).filter((name) => !before.includes(name));
  const form = new Response(restoreForm(bytes));
  const client = request(`${admin.baseUrl}/v1/admin/backup/restore`, { method: 'POST', headers: { Authorization: `Bearer ${admin.token ?? ''}`, 'Content-Type': form.headers.get('Content-Type') ?? '' } });
  const sent = once(client, 'finish');
  client.on('error', () => undefined).on('response', ({ statusCode }) => assert.unreachable(`${statusCode ?? 0} before the check can have ended`)).end(Buffer.from(await form.arrayBuffer()));
  await sent;
  const isUploaded = async (): Promise<boolean> => (await Promise.all((await left()).map(async (name) => (await stat(file(name))).size))).includes(bytes.length);
  while (!(await isUploaded())) await new Promise((resolve) => { setImmediate(resolve); });
  client.destroy();
  await until(async () => (await left()).every((name) => name.startsWith('restore-')));
  assert.equal(await left(), []);
  assert.is((await sql`SELECT FROM restores`.execute(db)).rows.length, 0);
});
restore('leaves what others keep in the database, and their rights', async () => {
  await sql`CREATE TABLE of_somebody_else AS SELECT 'theirs' AS text`.execute(db);
  await sql`GRANT SELECT ON projects, finding_ids TO PUBLIC`.execute(db);
  await sql`DELETE FROM backups`.execute(db);
  const name = await ordered();
  await runBackup(services, name, never);
  const bytes = await archive(name);
  assert.not.ok(gunzipSync(bytes).includes('of_somebody_else'));
  const id = await orderedRestore(bytes);
  await runRestore(services, id, never);
  assert.equal(await stateOf('restores', id), { status: 'succeeded', error: null });
  assert.equal((await sql`SELECT text FROM of_somebody_else`.execute(db)).rows, [{ text: 'theirs' }]);
  assert.equal((await sql`SELECT table_name::text AS name, privilege_type AS may FROM information_schema.table_privileges WHERE grantee = 'PUBLIC' AND table_schema = 'public' ORDER BY 1`.execute(db)).rows, [{ name: 'finding_ids', may: 'SELECT' }, { name: 'projects', may: 'SELECT' }]);
  assert.equal(await migrate(database.url, { log: services.log }), []);
});
restore('finds extensions in whatever schema of the search path they are', async () => {
  const own = await createTestDatabase();
  await sql.raw(`CREATE SCHEMA sca; DO $$ DECLARE statement text; BEGIN
    FOR statement IN SELECT format('ALTER TABLE %s SET SCHEMA sca', oid::regclass) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')
      UNION ALL SELECT format('ALTER FUNCTION %s SET SCHEMA sca', oid::regprocedure) FROM pg_proc p WHERE pronamespace = 'public'::regnamespace AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
    LOOP EXECUTE statement; END LOOP;
    EXECUTE format('ALTER DATABASE %I SET search_path = sca, public', current_database()); END $$`).execute(own.db);
  const nothing = (): Promise<void> => Promise.resolve();
  await replaceAll(own.url, never, { migrations: await readMigrations(), tables: [], sequences: [], begin: nothing, load: nothing, settle: nothing, finish: nothing, onProgress: nothing });
  assert.equal((await sql`SELECT schemaname::text AS schema FROM pg_tables WHERE tablename = 'components'`.execute(own.db)).rows, [{ schema: 'sca' }]);
  assert.equal(await migrate(own.url, { log: services.log }), []);
});
restore('that has ended while its worker waited changes nothing any more', async () => {
  const name = (await sql<{ name: string }>`SELECT name FROM backups WHERE status = 'succeeded'`.execute(db)).rows[0]?.name ?? '';
  const id = await orderedRestore(await archive(name));
  await sql`INSERT INTO teams (name, slug) VALUES ('Written since', 'since')`.execute(db);
  await meanwhile(() => runRestore(services, id, never), 'restore', () => sql`UPDATE restores SET status = 'succeeded' WHERE id = ${id}`.execute(db));
  assert.is((await sql`SELECT FROM teams WHERE slug = 'since'`.execute(db)).rows.length, 1);
  assert.is((await stateOf('restores', id))?.status, 'succeeded');
});
restore('takes no archive that is cut into countless pieces of nothing, or names countless tables, or no migration', async () => {
  const made = async (entries: readonly [name: string, text: string][]): Promise<Buffer> => {
    const archived = pack();
    for (const [name, text] of entries) archived.entry({ name }, text);
    archived.finalize();
    const pieces: Uint8Array[] = [];
    for await (const piece of archived) if (piece instanceof Uint8Array) pieces.push(piece);
    return gzipSync(Buffer.concat(pieces));
  };
  const tables = Array.from({ length: 1_001 }, (_none, index): [string, string] => [`data/t${index}/000001.copy`, 'a\n']);
  const cases: [fault: RegExp, bytes: Buffer][] = [
    [/is empty/, await made([['data/teams/000001.copy', '']])],
    [/more tables/, await made(tables)],
    [/as a backup cuts/, await made([['data/teams/000001.copy', 'a\n'], ['data/teams/000002.copy', 'a\n']])],
    [/not that of a backup/, await archiveOf({ key_check: keyCheck(services.vault) }, [], [])],
  ];
  const at = file('hostile');
  for (const [fault, bytes] of cases) {
    await writeFile(at, bytes);
    assert.match(await readArchive(at, { passphrases: [], signal: never }).then(() => 'taken', String), fault);
  }
});
