/**
 * Requests made from the contract alone, fitting, nearly fitting and hostile, to every operation as every kind of caller. What must hold of
 * each answer is in test/support/fuzz/judge.ts. `make fuzz` goes on for as long as it is told.
 */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { messageOf } from '../../src/core/values.ts';
import { takeChanges } from '../support/fuzz/changes.ts';
import { CALLERS, draftOf, OUTSIDE, type Draft } from '../support/fuzz/drafts.ts';
import { judge } from '../support/fuzz/judge.ts';
import { OPERATIONS, type Operation } from '../support/fuzz/operations.ts';
import { send, wireOf } from '../support/fuzz/wire.ts';
import { startWorld } from '../support/fuzz/world.ts';
import { suite } from '../support/suite.ts';

const SEED = Number(process.env['TEST_FUZZ_SEED'] ?? 20_261_125);
const RUNS = Number(process.env['TEST_FUZZ_RUNS'] ?? 40);
const ONLY = process.env['TEST_FUZZ_ONLY'];

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

/** Of its own for each operation, so that they are not all asked by the same callers in the same order. */
const seedOf = ({ id }: Operation): number => createHash('sha256').update(`${SEED} ${id}`).digest().readInt32BE();

const fuzz = suite('requests made from the contract');
console.log(`Seed ${SEED}, ${RUNS} requests an operation.`);
for (const operation of OPERATIONS.filter(({ id }) => ONLY === undefined || ONLY.split(',').includes(id))) {
  fuzz(`${operation.id} keeps to the contract whatever it is sent`, async () => {
    if (OPERATIONS.indexOf(operation) % 5 === 0) await sql`DELETE FROM rate_limits`.execute(db);
    const found = await fc.check(fc.asyncProperty(draftOf(operation), (draft) => tryOut(operation, draft)), { seed: seedOf(operation), numRuns: RUNS, interruptAfterTimeLimit: 40_000 });
    const { counterexample } = found;
    assert.ok(!found.failed || counterexample === null, `seed ${SEED}: ${messageOf(found.errorInstance).slice(0, 6000)}\n${JSON.stringify(counterexample?.[0])}`);
  }, { timeoutMs: 120_000 });
}
fuzz('every kind of caller took part', () => {
  console.log(`${OPERATIONS.length} operations, ${seen.requests} requests, ${seen.callers.size} of ${CALLERS.length} kinds of caller (${OUTSIDE.length} without a credential), answers ${[...seen.byStatus].sort(([a], [b]) => a - b).map(([status, times]) => `${status}: ${times}`).join(', ')}`);
  console.log(`Never let through: ${OPERATIONS.filter(({ id }) => !seen.succeeded.has(id)).map(({ id }) => id).join(', ')}`);
});
