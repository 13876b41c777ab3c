/** Triage of many findings with one request, and by many at the same time. */
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { SYSTEM } from '../../src/core/actor.ts';
import { isRecord } from '../../src/core/values.ts';
import { expireFindings } from '../../src/domain/findings/expire.ts';
import { applyDecisions } from '../../src/domain/findings/triage.ts';
import { importFiles, osv } from '../support/advisories.ts';
import { member, type Answer } from '../support/contract.ts';
import { suite } from '../support/suite.ts';
import { startTriage, WHY, type Row } from '../support/triage.ts';

const { portal, db, teamAdmin, developer, scan, project, rowsOf, one, states, patch, force, many } = await startTriage();

const bulk = suite('updateProjectVulnerabilityStatuses');
const outcomes = ({ body }: Answer): string[] => {
  const results = member(body, 'results');
  return Array.isArray(results) ? results.filter(isRecord).map((row) => `${String(row['outcome'])} ${String(row['status'])} ${String(row['version'])} ${String(member(row, 'problem', 'status'))}`) : [];
};
bulk('reports each row, in order, and applies what it can', async () => {
  const id = await project('pkg:npm/beta@1.0.0', 'pkg:npm/beta@1.1.0', 'pkg:npm/beta@1.2.0', 'pkg:npm/beta@1.3.0');
  const [first, second, third, fourth] = await rowsOf(id);
  assert.ok(first && second && third && fourth);
  const elsewhere = await one(await project('pkg:npm/beta@1.0.0'));
  const answer = await many(id, {
    status: 'analyzing',
    findings: [{ finding_id: fourth.id, status: 'new' }, { finding_id: second.id, version: 1 }, { finding_id: first.id, version: 9 }, { finding_id: elsewhere.id }, { finding_id: third.id, status: 'fixed', justification: WHY }],
  });
  assert.is(answer.status, 200, answer.text);
  assert.equal(outcomes(answer), ['unchanged new 1 undefined', 'applied analyzing 2 undefined', 'refused new 1 412', 'refused null null 404', 'refused new 1 409']);
  assert.equal([member(answer.body, 'applied'), member(answer.body, 'unchanged'), member(answer.body, 'refused')], [1, 1, 3]);
  assert.equal(member(answer.body, 'results', 4, 'problem', 'allowed_to'), ['analyzing', 'suppressed']);
  assert.equal(await states(id), ['beta@1.0.0 new', 'beta@1.1.0 analyzing', 'beta@1.2.0 new', 'beta@1.3.0 new']);
  assert.is((await one((await project('pkg:npm/beta@1.0.0')))).status, 'new');
});
bulk('writes nothing where a row is refused and all or nothing is wanted', async () => {
  const id = await project('pkg:npm/beta@1.0.0', 'pkg:npm/beta@1.1.0');
  const [first, second] = await rowsOf(id);
  assert.ok(first && second);
  const refused = await many(id, { mode: 'all_or_nothing', status: 'analyzing', findings: [{ finding_id: first.id }, { finding_id: second.id, version: 2 }] });
  assert.equal(outcomes(refused), ['not_applied new 1 undefined', 'refused new 1 412']);
  assert.equal(await states(id), ['beta@1.0.0 new', 'beta@1.1.0 new']);
  const applied = await many(id, { mode: 'all_or_nothing', status: 'analyzing', findings: [{ finding_id: first.id }, { finding_id: second.id, version: 1 }] });
  assert.equal(outcomes(applied), ['applied analyzing 2 undefined', 'applied analyzing 2 undefined']);
  const { rows } = await sql<{ target_id: string }>`SELECT target_id FROM audit_log WHERE request_id = ${applied.headers.get('X-Request-ID')} ORDER BY target_id`.execute(db);
  assert.equal(rows.map(({ target_id }) => target_id), [first.id, second.id].toSorted());
});
bulk('takes ids as they are written', async () => {
  const id = await project('pkg:npm/beta@1.0.0');
  const { id: finding } = await one(id);
  assert.equal(outcomes(await many(id, { status: 'analyzing', findings: [{ finding_id: finding.toUpperCase() }] })), ['applied analyzing 2 undefined']);
  assert.is((await patch(teamAdmin.client, { id: finding.toUpperCase(), version: 2 }, { status: 'fixed', justification: WHY })).status, 200);
});
bulk('a developer may do all but suppress', async () => {
  const id = await project('pkg:npm/beta@1.0.0', 'pkg:npm/beta@1.1.0');
  const [first, second] = await rowsOf(id);
  const answer = await many(id, { justification: WHY, findings: [{ finding_id: first?.id, status: 'suppressed' }, { finding_id: second?.id, status: 'analyzing' }] }, developer.client);
  assert.equal(outcomes(answer), ['refused new 1 403', 'applied analyzing 2 undefined']);
});
bulk('refuses a row without a status, a finding twice, and more than 1,000', async () => {
  const id = await project('pkg:npm/beta@1.0.0');
  const finding = (await one(id)).id;
  const missing = await many(id, { findings: [{ finding_id: finding }] });
  assert.equal([missing.status, member(missing.body, 'errors', 0, 'pointer')], [422, '/findings/0/status']);
  const twice = await many(id, { status: 'analyzing', findings: [{ finding_id: finding }, { finding_id: finding.toUpperCase() }] });
  assert.equal([twice.status, member(twice.body, 'errors', 0, 'pointer')], [422, '/findings/1/finding_id']);
  assert.is((await many(id, { status: 'analyzing', findings: Array.from({ length: 1001 }, () => ({ finding_id: crypto.randomUUID() })) })).status, 422);
  assert.is((await many(id, { status: 'analyzing', findings: [] })).status, 422);
});
bulk('with an Idempotency-Key the same request is applied once', async () => {
  const id = await project('pkg:npm/beta@1.0.0');
  const request = { path: { id }, headers: { 'Idempotency-Key': 'bulk-1' }, json: { status: 'analyzing', findings: [{ finding_id: (await one(id)).id, version: 1 }] } };
  const first = await teamAdmin.client.expect(200, 'updateProjectVulnerabilityStatuses', request);
  const again = await teamAdmin.client.expect(200, 'updateProjectVulnerabilityStatuses', request);
  assert.equal([again.body, again.headers.get('Idempotency-Replayed'), (await one(id)).version], [first.body, 'true', 2]);
});

const race = suite('triage at the same time');
const tableProject = await project('pkg:npm/beta@1.0.0');
const subject = (await one(tableProject)).id;
race('of two with the same If-Match exactly one wins', async () => {
  for (let round = 0; round < 10; round += 1) {
    await force(subject, 'analyzing');
    const answers = await Promise.all((['fixed', 'exploitable'] as const).map((status) => patch(teamAdmin.client, { id: subject, version: 7 }, { status, justification: WHY })));
    assert.equal(answers.map(({ status }) => status).toSorted(), [200, 412]);
    const after = await one(tableProject);
    assert.equal([after.status, after.version], [answers[0]?.status === 200 ? 'fixed' : 'exploitable', 8]);
  }
});
race('overlapping bulks in opposite order both end, and every row was won once', async () => {
  const purls = Array.from({ length: 60 }, (_, index) => `pkg:npm/beta@1.0.${index}`);
  const id = await project(...purls);
  const rows = await rowsOf(id);
  const request = (order: Row[]) => many(id, { status: 'analyzing', findings: order.map((row) => ({ finding_id: row.id, version: row.version })) });
  const answers = await Promise.all([request(rows), request(rows.toReversed()), request(rows.slice(20)), request(rows.slice(0, 40).toReversed())]);
  assert.equal(answers.map(({ status }) => status), [200, 200, 200, 200]);
  assert.is(answers.reduce((sum, { body }) => sum + Number(member(body, 'applied')), 0), 60);
  assert.ok((await rowsOf(id)).every((row) => row.status === 'analyzing' && row.version === 2));
});
race('imports, scans and triage of the same findings lose no decision and end', async () => {
  await importFiles(portal.services, osv({ id: 'GHSA-busy', name: 'busy' }));
  const purls = Array.from({ length: 30 }, (_, index) => `pkg:npm/busy@1.0.${index}`);
  const id = await project(...purls);
  const rows = await rowsOf(id);
  const work = [
    many(id, { status: 'analyzing', findings: rows.toReversed().map((row) => ({ finding_id: row.id })) }),
    importFiles(portal.services, osv({ id: 'GHSA-busy', name: 'busy', modified: '2024-02-01T00:00:00Z', fixed: '5.0.0' })),
    scan(id, ...purls),
    ...rows.slice(0, 5).map((row) => patch(teamAdmin.client, row, { status: 'suppressed', justification: WHY })),
    importFiles(portal.services, osv({ id: 'GHSA-busy', name: 'busy', modified: '2024-03-01T00:00:00Z', fixed: '6.0.0', cvss: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H' })),
  ];
  await Promise.all(work);
  const after = await rowsOf(id);
  assert.ok(after.every(({ status }) => status === 'analyzing' || status === 'suppressed'), after.map(({ status }) => status).join());
  const events = await sql<{ wrong: number }>`
    SELECT count(*)::int AS wrong FROM findings f WHERE f.project_id = ${id}
      AND f.status IS DISTINCT FROM (SELECT e.to_status FROM finding_events e WHERE e.finding_id = f.id ORDER BY e.id DESC LIMIT 1)`.execute(db);
  assert.is(events.rows[0]?.wrong, 0);
});
/** Decides on the package within a transaction that goes on, with `later`, and ends only when `other` waits for it. */
async function whileDeciding(projectId: string, row: Row, other: () => Promise<unknown>, later: readonly Row[] = []): Promise<void> {
  const context = { ...portal.services, actor: SYSTEM, request: { id: 'race', operation: 'updateVulnerabilityFindingStatus', ip: null, userAgent: null, gone: () => new AbortController().signal } };
  const decide = ({ id: findingId }: Row) => ({ findingId, expectedVersion: null, status: 'false_positive', justification: WHY, justificationCode: null, expiresAt: null, appliesTo: 'package', origin: null }) as const;
  const options = { projectId, source: 'vex_import', maySuppress: true, allOrNothing: true } as const;
  let running: Promise<unknown> = Promise.resolve();
  await db.transaction().execute(async (tx) => {
    const [outcome] = await applyDecisions(tx, context, options, [decide(row)]);
    assert.is(outcome?.outcome, 'applied');
    running = other();
    const deadline = Date.now() + 10_000;
    for (let waiting = 0; waiting === 0; ) {
      waiting = (await sql`SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted AND a.datname = current_database()`.execute(db)).rows.length;
      assert.ok(Date.now() < deadline, 'it does not wait');
    }
    for (const next of later) assert.is((await applyDecisions(tx, context, options, [decide(next)]))[0]?.outcome, 'applied');
  });
  await running;
}
race('a scan that brings another version of a package waits for a decision on it, and follows', async () => {
  const id = await project('pkg:npm/beta@1.0.0');
  await whileDeciding(id, await one(id), () => scan(id, 'pkg:npm/beta@1.0.0', 'pkg:npm/beta@1.9.0'));
  assert.equal(await states(id), ['beta@1.0.0 false_positive', 'beta@1.9.0 false_positive']);
});
race('so does an import that makes another version of it a finding', async () => {
  await importFiles(portal.services, osv({ id: 'GHSA-grow', name: 'grow', fixed: '1.5.0' }));
  const id = await project('pkg:npm/grow@1.0.0', 'pkg:npm/grow@2.0.0');
  await whileDeciding(id, await one(id), () => importFiles(portal.services, osv({ id: 'GHSA-grow', name: 'grow', fixed: '3.0.0', modified: '2024-02-01T00:00:00Z' })));
  assert.equal(await states(id), ['grow@1.0.0 false_positive', 'grow@2.0.0 false_positive']);
});
race('an import that waits for a triage holds nothing that the triage still needs', async () => {
  await importFiles(portal.services, osv({ id: 'GHSA-w1', name: 'wait' }), osv({ id: 'GHSA-w2', name: 'wait' }), osv({ id: 'GHSA-w3', name: 'wait' }));
  const id = await project('pkg:npm/wait@1.0.0', 'pkg:npm/wait@1.1.0');
  const [first, ...others] = await rowsOf(id);
  assert.ok(first);
  // the vulnerabilities of the others become one, and the third is no longer affected
  const records = [osv({ id: 'GO-w4', name: 'elsewhere', aliases: ['GHSA-w2', 'GHSA-w3'] }), osv({ id: 'GHSA-w1', name: 'wait', fixed: '0.1.0', modified: '2024-02-01T00:00:00Z' })];
  await whileDeciding(id, first, async () => assert.is((await importFiles(portal.services, ...records)).tries, 1), others.filter(({ purl }) => purl === first.purl).toReversed());
  assert.equal((await rowsOf(id)).map(({ cve, status }) => `${cve} ${status}`), ['GHSA-w1 fixed', 'GHSA-w2 false_positive', 'GHSA-w1 fixed', 'GHSA-w2 false_positive']);
});
race('a suppression that ends while somebody triages: one of them sees the other', async () => {
  const id = await project('pkg:npm/beta@1.0.0');
  const row = await one(id);
  for (let round = 0; round < 10; round += 1) {
    await sql`UPDATE findings SET status = 'suppressed', suppressed_until = now() - interval '1 second', version = 7 WHERE id = ${row.id}`.execute(db);
    const [, answer] = await Promise.all([expireFindings(portal.services), patch(teamAdmin.client, { id: row.id, version: 7 }, { status: 'analyzing' })]);
    const after = await one(id);
    assert.equal([after.status, after.version], answer.status === 200 ? ['analyzing', 8] : ['new', 8]);
    assert.ok(answer.status === 200 || answer.status === 412, answer.text);
  }
});
