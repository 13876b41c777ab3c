/**
 * Requests made from the contract alone, fitting, nearly fitting and hostile, to every operation as every kind of caller. What must hold of
 * each answer is in test/support/fuzz/judge.ts. `make fuzz` goes on for as long as it is told.
 */
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { messageOf } from '../../src/core/values.ts';
import { takeChanges } from '../support/fuzz/changes.ts';
import { CALLERS, draftOf, type Draft } from '../support/fuzz/drafts.ts';
import { judge } from '../support/fuzz/judge.ts';
import { OPERATIONS, type Operation } from '../support/fuzz/operations.ts';
import { assertKnown, isWanted, MINUTES, runsOf, SEED } from '../support/fuzz/settings.ts';
import { send, wireOf } from '../support/fuzz/wire.ts';
import { startWorld } from '../support/fuzz/world.ts';
import { suite } from '../support/suite.ts';

const RUNS = runsOf(60);
/** After that an operation is left, also while a failure is made smaller. */
const OPERATION_MS = 40_000;

assertKnown(OPERATIONS.map(({ id }) => id));
const world = await startWorld();
const { db } = world.database;
let pools = await world.pools();
const seen = { requests: 0, byStatus: new Map<number, number>(), callers: new Set<string>(), succeeded: new Set<string>() };

async function tryOut(operation: Operation, draft: Draft): Promise<void> {
  const wire = wireOf(operation, draft, pools, world.files);
  const reply = await send(world.url, wire, world.tokens.get(draft.caller) ?? null);
  const changes = await takeChanges(db);
  seen.requests += 1;
  seen.callers.add(draft.caller);
  if (reply.status < 300) seen.succeeded.add(operation.id);
  seen.byStatus.set(reply.status, (seen.byStatus.get(reply.status) ?? 0) + 1);
  if (process.env['TEST_FUZZ_TRACE'] !== undefined) console.log(reply.status, wire.method, wire.target.slice(0, 100), draft.caller, reply.text.slice(0, 160));
  try {
    await judge(wire, draft.caller, reply, changes, world.takeErrors());
  } finally {
    if (reply.status === 429) await sql`DELETE FROM rate_limits`.execute(db);
    if (changes.length > 0) {
      await world.heal();
      await takeChanges(db);
      pools = await world.pools();
    }
  }
}

/** Of its own for each operation and round, so that they are not all asked by the same callers in the same order. */
const seedOf = ({ id }: Operation, round: number): number => createHash('sha256').update(`${SEED + round} ${id}`).digest().readInt32BE();

async function fuzzOperation(operation: Operation, round: number): Promise<void> {
  await sql`DELETE FROM rate_limits`.execute(db);
  const { failed, counterexample, errorInstance } = await fc.check(fc.asyncProperty(draftOf(operation), (draft) => tryOut(operation, draft)), { seed: seedOf(operation, round), numRuns: RUNS, interruptAfterTimeLimit: OPERATION_MS });
  assert.ok(!failed || counterexample === null, `TEST_FUZZ_SEED=${SEED + round} TEST_FUZZ_ONLY=${operation.id}: ${messageOf(errorInstance).slice(0, 6000)}\n${JSON.stringify(counterexample?.[0])}`);
}

/** What makes rows before what needs them, and what removes them last. */
const turnOf = ({ method, path: url }: Operation): number => (method === 'DELETE' ? 2 : method === 'POST' && !url.includes('{') ? 0 : 1);
const wanted = OPERATIONS.filter(({ id }) => isWanted(id)).sort((a, b) => turnOf(a) - turnOf(b));
const fuzz = suite('requests made from the contract');
console.log(`Seed ${SEED}, ${RUNS} requests an operation.`);
for (const operation of wanted) {
  fuzz(`${operation.id} keeps to the contract whatever it is sent`, () => fuzzOperation(operation, 0), { timeoutMs: 3 * OPERATION_MS });
}
fuzz('nothing is left of uploads that were refused', async () => {
  const left = await readdir(path.join(world.dataDir, 'spool')).catch(() => []);
  assert.equal(left, []);
});
if (MINUTES > 0) {
  fuzz(`the same holds of other requests for ${MINUTES} minutes`, async () => {
    const end = Date.now() + MINUTES * 60_000;
    const faults: string[] = [];
    for (let round = 1; Date.now() < end; round += 1) {
      for (const operation of wanted) {
        if (Date.now() < end) await fuzzOperation(operation, round).catch((error: unknown) => { console.log(messageOf(error)); faults.push(`${operation.id} in round ${round}`); });
      }
      console.log(`Round ${round} is over: ${seen.requests} requests.`);
    }
    assert.equal(faults, []);
  }, { timeoutMs: MINUTES * 60_000 + 3 * OPERATION_MS });
}
fuzz('every kind of caller took part', () => {
  const answers = [...seen.byStatus].sort(([a], [b]) => a - b).map(([status, times]) => `${status}: ${times}`).join(', ');
  console.log(`${wanted.length} operations, ${seen.requests} requests, ${seen.callers.size} kinds of caller; answers ${answers}.`);
  console.log(`Never let through: ${wanted.filter(({ id }) => !seen.succeeded.has(id)).map(({ id }) => id).join(', ')}.`);
  if (wanted.length === OPERATIONS.length) assert.is(seen.callers.size, CALLERS.length);
});
