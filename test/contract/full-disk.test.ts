/** Uploads to a disk that is full: a problem that says so, nothing left behind, and the portal goes on. */
import fs from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { mock } from 'node:test';
import { sql } from 'kysely';
import * as assert from 'uvu/assert';
import type { OperationId } from '../../src/http/types.ts';
import { restoreForm } from '../support/backups.ts';
import { fileForm, sbomForm, SMALL_SBOM } from '../support/fixtures.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const ROOM = 100_000;
const { portal, admin, database: { db } } = await startTestPortal({}, { api: true, worker: false });
const { DATA_DIR, BACKUP_DIR } = portal.services.config;
const project = await newProject(admin);
const large = new Uint8Array(1_000_000).fill(0x20);

/** What the system says to whoever writes more than there is room for; streams of files write by `write` and `writev` of node:fs. */
function fillDisk(code: 'ENOSPC' | 'EDQUOT'): void {
  const fault = Object.assign(new Error(`${code}: no room, write`), { code, errno: code === 'ENOSPC' ? -28 : -122, syscall: 'write' });
  let written = 0;
  for (const name of ['write', 'writev'] as const) {
    const before: unknown = Reflect.get(fs, name);
    mock.method(fs, name, (...values: unknown[]) => {
      const [, content] = values;
      const done = values.at(-1);
      written += [content].flat().reduce((sum: number, one) => sum + (one instanceof Uint8Array ? one.length : 0), 0);
      if (typeof before !== 'function' || typeof done !== 'function') throw fault;
      if (written <= ROOM) Reflect.apply(before, fs, values);
      else setImmediate(() => { Reflect.apply(done, null, [fault, 0]); });
    });
  }
}

const UPLOADS: readonly { what: string; id: OperationId; form: () => FormData }[] = [
  { what: 'an SBOM', id: 'createScan', form: () => fileForm('sbom', large, 'bom.json', { kind: 'sbom' }) },
  { what: 'a source archive', id: 'createScan', form: () => fileForm('archive', large, 'source.zip', { kind: 'source' }) },
  { what: 'an image', id: 'createScan', form: () => fileForm('archive', large, 'image.tar', { kind: 'container' }) },
  { what: 'a VEX document', id: 'importProjectVex', form: () => fileForm('document', large, 'vex.json') },
  { what: 'a backup', id: 'restoreAdminBackup', form: () => restoreForm(Buffer.from(large)) },
];

const test = suite('an upload to a full disk');
for (const code of ['ENOSPC', 'EDQUOT'] as const) for (const { what, id, form } of UPLOADS) {
  test(`${what}: ${code} is 503 disk-pressure with nothing left behind`, async () => {
    fillDisk(code);
    try {
      const problem = await admin.refused('disk-pressure', id, { path: { id: project }, form: form() });
      assert.is(problem['status'], 503);
      assert.match(String(problem['detail']), /make room.*send it again/);
      assert.not.match(String(problem['detail']), new RegExp(`${code}|${DATA_DIR}`));
    } finally {
      mock.restoreAll();
    }
    for (const folder of [path.join(DATA_DIR, 'spool'), BACKUP_DIR]) assert.equal(await readdir(folder).catch(() => []), []);
  });
}
test("the database's disk: 503, and nothing was changed", async () => {
  await sql.raw(`CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
    CREATE TRIGGER full_disk BEFORE INSERT ON blobs FOR EACH ROW EXECUTE FUNCTION full_disk()`).execute(db);
  const problem = await admin.refused('unavailable', 'createScan', { path: { id: project }, form: sbomForm(SMALL_SBOM, { kind: 'sbom' }) });
  assert.match(String(problem['detail']), /no room left.*make room/);
  assert.is((await sql`SELECT FROM scans`.execute(db)).rows.length, 0);
  await sql`DROP TRIGGER full_disk ON blobs`.execute(db);
});
test('there is room again, and the same portal takes it', async () => {
  await admin.expect(202, 'createScan', { path: { id: project }, form: sbomForm(SMALL_SBOM, { kind: 'sbom' }) });
});
