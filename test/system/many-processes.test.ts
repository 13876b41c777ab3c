/** Two api and three worker processes on one database, killed under load (test/bench/chaos.ts does it for longer), and a kill at the worst moment of a request. */
import { sql } from 'kysely';
import * as assert from 'uvu/assert';
import { pause } from '../../src/core/values.ts';
import { member } from '../support/contract.ts';
import { createTestDatabase } from '../support/database.ts';
import { sbomForm, SMALL_SBOM } from '../support/fixtures.ts';
import { runChaos } from '../support/fleet/chaos.ts';
import { caller, newTally, total } from '../support/fleet/client.ts';
import { createFleet } from '../support/fleet/fleet.ts';
import { hire } from '../support/fleet/people.ts';
import { atEnd, suite } from '../support/suite.ts';

const chaos = suite('processes killed at random under load');
chaos('lose no scan, fail no request but those whose connection dies, do nothing twice, and keep every limit', async () => {
  const { db, url: databaseUrl } = await createTestDatabase();
  const { faults, kills, tally, load, limited } = await runChaos({
    db, databaseUrl, mailbox: null, seconds: 10, seed: 7, everyMs: 3_000, size: 20, uploadersEach: (index) => [2, 1, 1, 1, 1, 0][index] ?? 0,
  });
  assert.equal(faults, []);
  assert.ok(kills.api > 0 && kills.worker > 0, JSON.stringify(kills));
  assert.ok(load.accepted.size > 5 && total(tally.answers, 'list 200') > 10, `${load.accepted.size} scans, ${[...tally.answers].join()}`);
  assert.ok(limited.refused >= 200 - 120 - limited.broken, JSON.stringify(limited));
}, { timeoutMs: 300_000 });

const kill = suite('an api process killed after it has done what was asked, before it has kept its answer');
kill('has done nothing: the same Idempotency-Key has it done once, by another process, at once', async () => {
  const { db, url: databaseUrl } = await createTestDatabase();
  const fleet = await createFleet({ databaseUrl });
  atEnd(() => fleet.destroy());
  const [first, second] = [await fleet.start('api'), await fleet.start('api')];
  const urlOf = ({ port }: { port: number }): string => `http://127.0.0.1:${port}`;
  const [person] = await hire(db, urlOf(first), newTally(), 1, 1);
  assert.ok(person !== undefined);
  await sql`CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock_shared(4712); RETURN NEW; END $$`.execute(db);
  await sql`CREATE TRIGGER hold BEFORE UPDATE ON idempotency_keys FOR EACH ROW WHEN (NEW.status IS NOT NULL) EXECUTE FUNCTION hold()`.execute(db);
  const send = (url: string) => caller(url, person.token, newTally())('createScan', 'POST', `/v1/projects/${person.projects[0] ?? ''}/scans`, { form: sbomForm(SMALL_SBOM), headers: { 'Idempotency-Key': 'once' } });
  await db.connection().execute(async (lock) => {
    await sql`SELECT pg_advisory_lock(4712)`.execute(lock);
    const broken = send(urlOf(first));
    const held = (): Promise<{ rows: unknown[] }> => sql`SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 4712 AND NOT granted`.execute(lock);
    while ((await held()).rows.length === 0) await pause(10);
    assert.is((await send(urlOf(second)))?.problem, 'idempotency-in-progress');
    await fleet.kill(first);
    assert.is(await broken, null);
    await sql`SELECT pg_advisory_unlock(4712)`.execute(lock); // the server goes on with the dead process's statement, and then finds nobody to answer
  });
  const begin = performance.now();
  let answer = await send(urlOf(second));
  for (; answer?.problem === 'idempotency-in-progress'; answer = await send(urlOf(second))) await pause(50);
  assert.ok(answer !== null);
  assert.is(answer.status, 202);
  assert.ok(performance.now() - begin < 5_000, 'it need not wait for a claim to lapse');
  assert.equal((await sql`SELECT id::text FROM scans`.execute(db)).rows, [{ id: member(answer.body, 'id') }]);
  const again = await send(urlOf(second));
  assert.ok(again !== null);
  assert.is(again.headers.get('Idempotency-Replayed'), 'true');
  assert.equal(again.body, answer.body);
}, { timeoutMs: 90_000 });
