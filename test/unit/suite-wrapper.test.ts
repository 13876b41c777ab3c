/** The test wrapper and the runner's judgement: no way to fail may pass for success. */
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { runNode } from '../../scripts/children.ts';
import { judge, summary } from '../../scripts/test.ts';
import { suite, type Counts } from '../support/suite.ts';

const test = suite('test wrapper');

async function run(name: string): Promise<{ counts: Counts; complaint: string | undefined; output: string; status: number | string }> {
  const file = fileURLToPath(new URL(`../fixtures/suite/${name}.ts`, import.meta.url));
  const ending = await runNode([file], { env: { PATH: process.env['PATH'], TEST_EXIT_TIMEOUT_MS: '200' }, timeoutMs: 20_000 });
  return { ...judge(ending), output: ending.output, status: ending.status };
}

test('runs every suite of a file, hooks in order, without being asked to', async () => {
  const { counts, complaint, output, status } = await run('passes');
  assert.equal({ counts, complaint, status }, { counts: { passed: 3, failed: 0, skipped: 1 }, complaint: undefined, status: 0 });
  assert.match(output, 'before each one each after each two each after after three\n');
  assert.match(output, '3 passed, 0 failed, 1 skipped');
});

test('shows what differs, and goes on with the other tests', async () => {
  const { counts, output, status } = await run('fails');
  assert.equal(counts, { passed: 2, failed: 1, skipped: 0 });
  assert.is(status, 1);
  assert.match(output, 'FAIL');
  assert.match(output, 'differs');
  assert.match(output, /Actual:[^]*"a":·1[^]*Expected:[^]*"a":·2/);
});

test('fails a test that takes too long', async () => {
  const { counts, output } = await run('hangs');
  assert.equal(counts, { passed: 1, failed: 1, skipped: 0 });
  assert.match(output, 'took longer than 50 ms');
});

test('fails a file whose hooks throw, and the tests that counted on them', async () => {
  const { counts, output, status } = await run('hooks-throw');
  assert.equal(counts, { passed: 1, failed: 4, skipped: 0 }); // three hooks, and the test that did not run
  assert.is(status, 1);
  assert.not.match(output, 'it ran');
  for (const message of ['early: before: Error: no database', 'late: after: Error: cannot close', 'Error: cannot stop']) assert.match(output, message);
});

test('fails a suite without tests', async () => {
  const { counts, output } = await run('empty');
  assert.is(counts.failed, 1);
  assert.match(output, 'Suite "empty" has no tests');
});

test('fails a file without suites', async () => {
  const { counts, complaint } = await run('forgets');
  assert.is(counts.failed, 1);
  assert.match(complaint ?? '', 'reported no results');
});

test('fails a file that throws while it is evaluated', async () => {
  const { counts, output, status } = await run('throws');
  assert.is(counts.failed, 1);
  assert.is.not(status, 0);
  assert.match(output, 'broken set-up');
});

test('fails a file that ends its process in mid-test', async () => {
  const { counts, complaint } = await run('exits');
  assert.is(counts.failed, 1);
  assert.match(complaint ?? '', 'reported no results');
});

test('fails a file that leaves something open, and names it', async () => {
  const { counts, complaint, output } = await run('leaves-open');
  assert.equal(counts, { passed: 1, failed: 1, skipped: 0 });
  assert.is(complaint, 'It ended with 1.');
  assert.match(output, /still open: .*TCPServerWrap/);
});

test('takes the counts of a file, unless its end contradicts them', () => {
  const good = { passed: 2, failed: 0, skipped: 0 };
  assert.equal(judge({ status: 0, messages: ['noise', good] }).counts, good);
  assert.equal(judge({ status: 'SIGKILL', messages: [good] }).counts, { ...good, failed: 1 });
  assert.equal(judge({ status: 0, messages: [{ passed: 0, failed: 0, skipped: 0 }] }).counts, { passed: 0, failed: 1, skipped: 0 });
});

test('sums up in the one line that other programs read', () => {
  assert.is(summary({ passed: 12, failed: 0, skipped: 0 }), '12 passed, 0 failed');
  assert.is(summary({ passed: 12, failed: 3, skipped: 1 }), '12 passed, 3 failed, 1 skipped');
});
