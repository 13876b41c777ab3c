/** A scan's progress over its socket: frames to the end, and who is turned away. */
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { member } from '../support/contract.ts';
import { sbomForm, SMALL_SBOM } from '../support/fixtures.ts';
import { authFrame, watch } from '../support/live.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, newUser, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { portal, anonymous, admin, database } = await startTestPortal();
const stranger = await newUser(anonymous, database, 'developer');

const live = suite('/ws/scans/{scan_id}');
live('a scan that is over is told in one frame', async () => {
  const { id } = await scanToEnd(admin, await newProject(admin), sbomForm(SMALL_SBOM));
  const { frames, code, reason } = await watch(portal.url, `/api/ws/scans/${id}`, authFrame(admin.token ?? ''));
  assert.equal([frames.length, frames[0]?.percent, frames[0]?.step, code, reason], [1, 100, 'succeeded', 1000, 'scan_finished']);
});
live('percent never goes back, and the last frame is the final state', async () => {
  const project = await newProject(admin);
  const { body } = await admin.expect(202, 'createScan', { path: { id: project }, form: sbomForm(SMALL_SBOM) });
  const { frames } = await watch(portal.url, `/ws/scans/${String(member(body, 'id'))}`, authFrame(admin.token ?? ''));
  const percents = frames.map(({ percent }) => percent);
  assert.equal(percents, percents.toSorted((a, b) => a - b));
  assert.equal([frames.at(-1)?.step, frames.at(-1)?.percent], ['succeeded', 100]);
});
live('no first frame, a wrong one, no right and no such scan close with 1008', async () => {
  const { id } = await scanToEnd(admin, await newProject(admin), sbomForm(SMALL_SBOM));
  const close = async (path: string, first: string | null) => {
    const { code, reason } = await watch(portal.url, path, first);
    return `${code} ${reason}`;
  };
  assert.is(await close(`/ws/scans/${id}`, null), '1008 auth_timeout');
  assert.is(await close(`/ws/scans/${id}`, 'hello'), '1008 auth_invalid');
  assert.is(await close(`/ws/scans/${id}`, authFrame('nonsense')), '1008 auth_invalid');
  assert.is(await close(`/ws/scans/${id}`, authFrame(stranger.client.token ?? '')), '1008 forbidden');
  assert.is(await close(`/ws/scans/${crypto.randomUUID()}`, authFrame(admin.token ?? '')), '1008 not_found');
  assert.is(await close('/ws/scans/not-an-id', authFrame(admin.token ?? '')), '1008 not_found');
});
live('a fourth connection closes the oldest', async () => {
  const project = await newProject(admin);
  const { rows } = await sql<{ id: string }>`INSERT INTO scans (project_id, kind) VALUES (${project}, 'sbom') RETURNING id`.execute(database.db);
  const id = rows[0]?.id ?? '';
  const watched = [];
  for (let index = 0; index < 4; index += 1) watched.push(watch(portal.url, `/ws/scans/${id}`, authFrame(admin.token ?? '')));
  const first = await Promise.race(watched);
  assert.equal([first.code, first.reason], [1001, 'newer_connection']);
  await sql`UPDATE scans SET status = 'cancelled', completed_at = now() WHERE id = ${id}`.execute(database.db);
  await sql`SELECT pg_notify('scan_progress', ${JSON.stringify({ scan_id: id, percent: 0, step: 'bootstrap', ts: new Date().toISOString(), status: 'cancelled' })})`.execute(database.db);
  for (const { code } of await Promise.all(watched)) assert.ok(code === 1000 || code === 1001);
});
