/**
 * Backup and restore of an installation with two million components of scans, while scans are queued all the time: how long, how large, how much memory; and that what is restored into an empty
 * installation is what the snapshot held, table by table. `sh scripts/node.sh test/bench/backup.ts`
 */
import { createWriteStream, openAsBlob } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { sql } from 'kysely';
import * as assert from 'uvu/assert';
import { openDatabase } from '../../src/db/connect.ts';
import { readArchive } from '../../src/domain/backups/read-archive.ts';
import { backupOf } from '../support/backups.ts';
import { member, type ContractClient } from '../support/contract.ts';
import { cycloneDx, sbomForm } from '../support/fixtures.ts';
import { ADMIN, startTestPortal, type TestPortal } from '../support/portal.ts';
import { newProject } from '../support/scans.ts';
import { suite } from '../support/suite.ts';
import { fillComponents } from './components-fill.ts';

const SECRET_KEY = 'a-master-key-that-both-portals-share';
/** Restoring puts these right. */
const SETTLED = new Set(['scans', 'audit_log', 'notices', 'notifications', 'channel_deliveries', 'webhook_deliveries', 'advisory_sources', 'gate_checks', 'gate_outcomes', 'users']); // of users the last log-in: somebody has to look
const memory = (): number => Math.round(process.memoryUsage().rss / 1024 / 1024);

async function backup(admin: ContractClient, folder: string, file: string): Promise<void> {
  const name = String(member((await admin.expect(202, 'createAdminBackup')).body, 'name'));
  const start = performance.now();
  let peak = memory();
  while ((await backupOf(admin, name))['status'] === 'running') {
    peak = Math.max(peak, memory());
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const made = await backupOf(admin, name);
  assert.is(made['status'], 'succeeded', String(made['error_message']));
  console.log(`backup: ${((performance.now() - start) / 1000).toFixed(1)} s, ${Math.round(Number(made['size_bytes']) / 1024 / 1024)} MiB, memory of the process at most ${peak} MiB`);
  const answer = await fetch(`${admin.baseUrl}/v1/admin/backup/${name}/download`, { headers: { Authorization: `Bearer ${admin.token ?? ''}` } });
  assert.ok(answer.body !== null);
  await pipeline(Readable.fromWeb(answer.body), createWriteStream(path.join(folder, file)));
}

async function restore({ admin, anonymous, database }: TestPortal, file: string): Promise<ContractClient> {
  const form = new FormData();
  form.set('confirm', 'restore');
  form.set('archive', await openAsBlob(file), 'backup.tar.gz');
  const start = performance.now();
  const { body } = await admin.expect(202, 'restoreAdminBackup', { form });
  const checked = performance.now();
  let [status, peak, slowest] = ['queued', memory(), 0];
  while (['queued', 'running'].includes(status)) {
    const asked = performance.now();
    await (await fetch(`${admin.baseUrl}/v1/projects`, { headers: { Authorization: `Bearer ${admin.token ?? ''}` } })).arrayBuffer();
    slowest = Math.max(slowest, performance.now() - asked);
    const { rows } = await sql<{ status: string; error_message: string | null }>`SELECT status, error_message FROM restores WHERE id = ${member(body, 'task_id')}`.execute(database.db);
    status = rows[0]?.status ?? '';
    assert.is.not(status, 'failed', rows[0]?.error_message ?? '');
    peak = Math.max(peak, memory());
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  console.log(`restore: upload and check ${((checked - start) / 1000).toFixed(1)} s, then ${((performance.now() - checked) / 1000).toFixed(1)} s, memory at most ${peak} MiB; the slowest request meanwhile ${slowest.toFixed(0)} ms`);
  await sql`DELETE FROM rate_limits`.execute(database.db);
  return anonymous.signIn(ADMIN.email, ADMIN.password);
}

async function bench(): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sca-portal-bench-'));
  const first = await startTestPortal({ SECRET_KEY, BACKUP_SCHEDULE: 'off' });
  const patient = openDatabase(first.database.url, { max: 2, applicationName: 'fill', log: first.portal.services.log, statementTimeout: 0 });
  await fillComponents(patient.db);
  await sql`VACUUM (ANALYZE)`.execute(patient.db);
  await patient.close();
  const project = await newProject(first.admin);
  const load = { stopped: false, scans: 0 };
  const loading = (async () => {
    while (!load.stopped) {
      await sql`DELETE FROM rate_limits`.execute(first.database.db);
      const purls = Array.from({ length: 300 }, (_, index) => ({ purl: `pkg:npm/load-${index}@${load.scans}.0.0` }));
      const { status } = await first.admin.call('createScan', { path: { id: project }, form: sbomForm(cycloneDx(purls), { ref: `r${load.scans % 5}` }) });
      if (status === 202) load.scans += 1;
    }
  })();
  await backup(first.admin, folder, 'first');
  load.stopped = true;
  await loading;
  const second = await startTestPortal({ SECRET_KEY, BACKUP_SCHEDULE: 'off' });
  await backup(await restore(second, path.join(folder, 'first')), folder, 'second');
  const manifests = await Promise.all(['first', 'second'].map((file) => readArchive(path.join(folder, file), { passphrases: [], signal: new AbortController().signal })));
  const [before, after] = manifests.map(({ tables }) => new Map(tables.map((table) => [table.name, table])));
  let rows = 0;
  for (const [name, table] of before ?? []) {
    rows += table.rows;
    if (!SETTLED.has(name)) assert.equal(after?.get(name), table, name);
  }
  console.log(`${rows} rows of ${before?.size ?? 0} tables; counts and SHA-256 of all but ${SETTLED.size}, which a restore puts right, are those of the snapshot; ${load.scans} scans were queued while it was taken`);
  await rm(folder, { recursive: true });
}

suite('backup')('bench', bench, { timeoutMs: 1_800_000 });
