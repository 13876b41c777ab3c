/** The queue of the whole installation, cancelling, and what is left behind when nobody works on a scan any longer. */
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { sql } from 'kysely';
import * as assert from 'uvu/assert';
import { rescueOrphans, sweepOldScans, sweepSpool, sweepWorkspaces } from '../../src/domain/scans/sweep.ts';
import { itemsOf, member } from '../support/contract.ts';
import { sbomForm, SMALL_SBOM } from '../support/fixtures.ts';
import { authFrame, watch } from '../support/live.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, newUser, queuedScan, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { portal, anonymous, admin, database } = await startTestPortal({ SCAN_RETENTION_PER_REF: '2' });
const { db } = database;
const { services } = portal;
const lead = await newUser(anonymous, database, 'team_admin');
const rowsOf = (body: unknown): Record<string, unknown>[] => {
  return itemsOf(body);
};

const list = suite('listAdminScans');
list('shows the scans of every team, filtered and sorted', async () => {
  const [mine, theirs] = [await newProject(lead.client), await newProject(admin)];
  const done = await scanToEnd(lead.client, mine, sbomForm(SMALL_SBOM, { ref: 'v1' }));
  const waiting = await queuedScan(database, theirs);
  const ids = async (query: Record<string, string | string[]>) => rowsOf((await admin.expect(200, 'listAdminScans', { query })).body).map((row) => row['id']);
  assert.equal(await ids({ sort: 'created_at' }), [done.id, waiting]);
  assert.equal(await ids({ sort: 'status,-finished_at,kind,started_at' }), [waiting, done.id]);
  assert.equal(await ids({ status: ['queued', 'running'] }), [waiting]);
  assert.equal(await ids({ team_id: lead.teamId }), [done.id]);
  assert.equal(await ids({ project_id: theirs, kind: 'sbom' }), [waiting]);
  assert.equal(await ids({ ref: 'v1' }), [done.id]);
  assert.equal(await ids({ created_after: '2100-01-01T00:00:00Z' }), []);
  assert.equal(await ids({ created_before: '2100-01-01T00:00:00Z' }), [waiting, done.id]);
  const [row] = rowsOf((await admin.expect(200, 'listAdminScans', { query: { project_id: mine } })).body);
  assert.equal([row?.['team_id'], row?.['status'], row?.['attempt'], row?.['ref']], [lead.teamId, 'succeeded', 1, 'v1']);
  assert.ok(Number(row?.['duration_seconds']) > 0);
});
list('is not there for anybody else', async () => {
  await lead.client.refused('not-found', 'listAdminScans');
  await lead.client.refused('not-found', 'cancelAdminScan', { path: { scan_id: crypto.randomUUID() } });
});

const cancel = suite('cancelAdminScan');
cancel('ends a queued scan for good: its job finds nothing to do, its listeners hear of it, its ref is free', async () => {
  const project = await newProject(admin);
  const id = await queuedScan(database, project, 'main');
  const listening = Promise.withResolvers<undefined>();
  const watching = watch(portal.url, `/ws/scans/${id}`, authFrame(admin.token ?? ''), () => listening.resolve(undefined));
  await listening.promise;
  const { body } = await admin.expect(200, 'cancelAdminScan', { path: { scan_id: id } });
  assert.equal([member(body, 'status'), member(body, 'finished_at') !== null], ['cancelled', true]);
  const { frames, code } = await watching;
  assert.equal([frames.at(-1)?.step, code], ['cancelled', 1000]);
  assert.is((await scanToEnd(admin, project, sbomForm(SMALL_SBOM, { ref: 'main' }))).status, 'succeeded');
});
cancel('of what has ended, a cancelled scan too, is refused, and of what is not there', async () => {
  const { id } = await scanToEnd(admin, await newProject(admin), sbomForm(SMALL_SBOM));
  const { detail } = await admin.refused('scan-already-finished', 'cancelAdminScan', { path: { scan_id: id } });
  assert.match(String(detail), /succeeded/);
  await admin.refused('not-found', 'cancelAdminScan', { path: { scan_id: crypto.randomUUID() } });
});
cancel('ten at once: one cancels, nine are refused', async () => {
  const id = await queuedScan(database, await newProject(admin));
  const answers = await Promise.all(Array.from({ length: 10 }, () => admin.call('cancelAdminScan', { path: { scan_id: id } })));
  assert.equal(answers.map(({ status }) => status).toSorted(), [200, ...Array.from({ length: 9 }, () => 409)]);
});
cancel('against a scan that is about to be published: all of its results, or none', async () => {
  const outcomes = new Set<string>();
  for (let round = 0; round < 12; round += 1) {
    const project = await newProject(admin);
    const { body } = await admin.expect(202, 'createScan', { path: { id: project }, form: sbomForm(SMALL_SBOM) });
    const id = String(member(body, 'id'));
    // at another moment of its short life each time
    const until = ['bootstrap', 'fetch', 'prep', 'cdxgen', 'license', 'vuln_match', 'finalize'][round % 7] ?? '';
    for (let seen = ''; seen !== until && !/succeeded/.test(seen); ) {
      const { rows } = await sql<{ at: string }>`SELECT CASE WHEN status IN ('queued', 'running') THEN coalesce(current_step, '') ELSE status END AS at FROM scans WHERE id = ${id}`.execute(db);
      seen = rows[0]?.at ?? '';
      if (seen === 'finalize') break;
    }
    const { status } = await admin.call('cancelAdminScan', { path: { scan_id: id } });
    const { frames } = await watch(portal.url, `/ws/scans/${id}`, authFrame(admin.token ?? ''));
    const end = frames.at(-1)?.step ?? '';
    const total = member((await admin.expect(200, 'listProjectComponents', { path: { id: project } })).body, 'total');
    assert.equal([end, total], status === 200 ? ['cancelled', 0] : ['succeeded', 4]);
    outcomes.add(end);
  }
  assert.ok(outcomes.has('cancelled'), 'no cancel was ever in time');
});

const sweep = suite('sweep-scans');
sweep('a scan that no job speaks of is run after all', async () => {
  const project = await newProject(admin);
  const { body } = await admin.expect(202, 'createScan', { path: { id: project }, form: sbomForm(SMALL_SBOM) });
  const id = String(member(body, 'id'));
  await watch(portal.url, `/ws/scans/${id}`, authFrame(admin.token ?? ''));
  const orphan = async (fields: string) => {
    await sql`DELETE FROM pgboss.job WHERE name = 'run-scan'`.execute(db);
    await sql`UPDATE scans SET is_current = false, completed_at = NULL, updated_at = now() - interval '2 minutes', ${sql.raw(fields)} WHERE id = ${id}`.execute(db);
    await rescueOrphans(services);
    return (await watch(portal.url, `/ws/scans/${id}`, authFrame(admin.token ?? ''))).frames.at(-1)?.step;
  };
  assert.is(await orphan("status = 'running', attempt = 3"), 'succeeded');
  assert.is(member((await admin.expect(200, 'getScan', { path: { id } })).body, 'attempt'), 4);
  assert.is(await orphan("status = 'queued', attempt = 0"), 'succeeded');
  assert.is(await orphan("status = 'running', attempt = 20"), 'failed');
  await sql`UPDATE scans SET updated_at = now() - interval '2 minutes' WHERE id = ${id}`.execute(db);
  await rescueOrphans(services);
  assert.is(member((await admin.expect(200, 'getScan', { path: { id } })).body, 'status'), 'failed');
});
sweep('keeps the newest of each ref and the current ones, whatever their age', async () => {
  const project = await newProject(admin);
  const ids = [];
  for (let count = 0; count < 4; count += 1) ids.push((await scanToEnd(admin, project, sbomForm(SMALL_SBOM, { ref: 'main' }))).id);
  const other = (await scanToEnd(admin, project, sbomForm(SMALL_SBOM, { ref: 'old' }))).id;
  await sql`UPDATE scans SET completed_at = completed_at + interval '1 hour' WHERE id = ${ids[0]}`.execute(db); // an old one that ended last
  await sweepOldScans(services, new AbortController().signal);
  const left = rowsOf((await admin.expect(200, 'listProjectScans', { path: { id: project } })).body).map((row) => String(row['id']));
  assert.equal(left.toSorted(), [ids[0], ids[3], other].toSorted());
  assert.is(member((await admin.expect(200, 'listProjectComponents', { path: { id: project } })).body, 'total'), 4);
});
sweep('uploads go a day after their scan, never before its end', async () => {
  const project = await newProject(admin);
  const waiting = await queuedScan(database, project);
  const { id } = await scanToEnd(admin, project, sbomForm(SMALL_SBOM, { ref: 'x' }));
  const blobOf = async (scan: string) => (await sql<{ blob_id: string | null }>`SELECT blob_id FROM scans WHERE id = ${scan}`.execute(db)).rows[0]?.blob_id;
  await sql`UPDATE scans SET blob_id = (SELECT id FROM blobs WHERE id <> ${await blobOf(id)} LIMIT 1) WHERE id = ${waiting}`.execute(db);
  await sql`UPDATE blobs SET created_at = now() - interval '2 days'`.execute(db);
  await sweepOldScans(services, new AbortController().signal);
  assert.ok(await blobOf(id), 'its scan has ended a moment ago');
  await sql`UPDATE scans SET completed_at = now() - interval '2 days' WHERE id = ${id}`.execute(db);
  await sweepOldScans(services, new AbortController().signal);
  assert.is(await blobOf(id), null);
  assert.ok(await blobOf(waiting), 'its scan is still to come');
});
sweep('folders of dead runs and of dead requests go, those of the living stay', async () => {
  const { DATA_DIR } = services.config;
  const living = await queuedScan(database, await newProject(admin));
  await sql`UPDATE scans SET status = 'running', attempt = 2 WHERE id = ${living}`.execute(db);
  for (const name of [`${living}-1`, `${living}-2`, `${crypto.randomUUID()}-1`]) await mkdir(path.join(DATA_DIR, 'workspace', name), { recursive: true });
  await mkdir(path.join(DATA_DIR, 'spool'), { recursive: true });
  for (const name of ['old', 'new']) await writeFile(path.join(DATA_DIR, 'spool', name), 'x');
  const yesterday = new Date(Date.now() - 86_400_000);
  await utimes(path.join(DATA_DIR, 'spool', 'old'), yesterday, yesterday);
  await sweepWorkspaces(services);
  await sweepSpool(services);
  assert.equal(await readdir(path.join(DATA_DIR, 'workspace')), [`${living}-2`]);
  assert.equal(await readdir(path.join(DATA_DIR, 'spool')), ['new']);
});
