/** What tests of backups share: waiting for one, its bytes, what all tables hold, and archives that no portal would make. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { sql } from 'kysely';
import * as assert from 'uvu/assert';
import type { Snapshot } from '../../src/db/backup/snapshot.ts';
import { LEFT_OUT } from '../../src/db/backup/tables.ts';
import { isRecord } from '../../src/core/values.ts';
import type { Db } from '../../src/db/connect.ts';
import type { Manifest } from '../../src/domain/backups/manifest.ts';
import { writeArchive } from '../../src/domain/backups/write-archive.ts';
import { member, type ContractClient } from './contract.ts';

const WAIT_MS = 60_000;

/** Orders one and waits for its end. */
export async function makeBackup(admin: ContractClient): Promise<string> {
  const name = String(member((await admin.expect(202, 'createAdminBackup')).body, 'name'));
  await until(async () => (await backupOf(admin, name))['status'] !== 'running');
  return name;
}

export async function backupOf(admin: ContractClient, name: string): Promise<Record<string, unknown>> {
  const items = member((await admin.expect(200, 'listAdminBackups')).body, 'items');
  const found: unknown = Array.isArray(items) ? items.find((one) => member(one, 'name') === name) : undefined;
  assert.ok(isRecord(found), `${name} is not listed`);
  return found;
}

export async function download(admin: ContractClient, name: string): Promise<Buffer<ArrayBuffer>> {
  const response = await fetch(`${admin.baseUrl}/v1/admin/backup/${name}/download`, { headers: { Authorization: `Bearer ${admin.token ?? ''}` } });
  assert.is(response.status, 200);
  return Buffer.from(await response.arrayBuffer());
}

export function restoreForm(archive: Uint8Array<ArrayBuffer>, fields: Record<string, string> = { confirm: 'restore' }): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  form.set('archive', new Blob([archive]), 'backup.tar.gz');
  return form;
}

export async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + WAIT_MS;
  while (!(await isSo())) {
    assert.ok(Date.now() < deadline, 'it never came about');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Rows and a checksum of each table that a backup holds. @param without tables that are told apart by hand */
export async function checksums(db: Db, without: readonly string[] = []): Promise<Record<string, string>> {
  const { rows: tables } = await sql<{ name: string }>`SELECT table_name::text AS name FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' ORDER BY 1`.execute(db);
  const sums: Record<string, string> = {};
  for (const { name } of tables) {
    if (LEFT_OUT.has(name) || without.includes(name)) continue;
    const { rows } = await sql<{ sum: string }>`SELECT count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') AS sum FROM ${sql.table(name)} t`.execute(db);
    sums[name] = rows[0]?.sum ?? '';
  }
  return sums;
}

/** An archive of these rows, in COPY's text. */
export async function archiveOf(about: Partial<Manifest>, migrations: Manifest['migrations'], tables: readonly { name: string; columns: string[]; text: string }[]): Promise<Buffer<ArrayBuffer>> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sca-portal-archive-'));
  const file = path.join(folder, 'archive');
  const snapshot: Snapshot = {
    tables: tables.map(({ name, columns, text }) => ({ name, columns, bytes: text.length })), sequences: [], migrations,
    read: ({ name }) => Readable.from([tables.find((one) => one.name === name)?.text ?? ''].filter((text) => text !== '').map((text) => Buffer.from(text))),
  };
  await writeArchive(file, { name: 'manual-20261124T104000Z', kind: 'manual', created_at: '2026-11-24T10:40:00.000Z', key_check: '0'.repeat(64), ...about }, snapshot, { passphrase: null, signal: new AbortController().signal, onProgress: () => Promise.resolve() });
  const bytes = Buffer.from(await readFile(file));
  await rm(folder, { recursive: true });
  return bytes;
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
