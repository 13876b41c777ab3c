/** Runs the test files, each in a process of its own, on one shared database server. Arguments: parts of file names. */
import { chmod, glob, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { removeDataFolder } from '../src/db/embedded.ts';
import { endPostmaster, findPostmaster } from '../src/db/embedded/postmaster.ts';
import { isRecord } from '../src/core/values.ts';
import { SERVER_VARIABLE, startTestServer } from '../test/support/server.ts';
import { COVERAGE_VARIABLE } from '../test/support/coverage.ts';
import type { Counts } from '../test/support/suite.ts';
import { endChildren, inParallel, runNode, wereEnded, type Ending } from './children.ts';
import { judgeCoverage } from './coverage.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FOLDERS = ['system', 'contract', 'unit']; // the slow ones first; benchmarks are not tests
const FILE_TIMEOUT = 600_000;
/** Settings of the person at the keyboard (DATABASE_URL, PORT ...) must not reach the tests; these may. */
const PASSED_ON = /^(PATH|HOME|LANG|LC_ALL|TERM|CI|NO_COLOR|FORCE_COLOR|NODE_EXTRA_CA_CERTS|TEST_\w+)$/;

/** Test files, relative to the root, whose name contains one of the patterns. */
async function findTests(patterns: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const folder of FOLDERS) {
    const files: string[] = [];
    for await (const file of glob(`test/${folder}/**/*.test.ts`, { cwd: ROOT })) files.push(file);
    found.push(...files.sort());
  }
  return patterns.length === 0 ? found : found.filter(file => patterns.some(pattern => file.includes(pattern)));
}

/** Runs them and prints a line for each; the output of those that fail is printed whole. */
export async function runTests(patterns: readonly string[]): Promise<Counts> {
  const total: Counts = { passed: 0, failed: 0, skipped: 0 };
  const files = await findTests(patterns);
  if (files.length === 0) {
    console.log(`No test file matches ${patterns.join(' ')}.`);
    return { ...total, failed: 1 };
  }
  // Temporary files of the tests go into one folder, so that nothing they leave, not even a database, outlives the run.
  const folder = await mkdtemp(join(tmpdir(), 'sca-portal-run-'));
  await chmod(folder, 0o711); // PostgreSQL's user passes through
  process.env['TMPDIR'] = folder;
  try {
    const server = await startTestServer();
    const passedOn = Object.entries(process.env).filter(([name]) => PASSED_ON.test(name));
    const env = { ...Object.fromEntries(passedOn), TMPDIR: folder, [COVERAGE_VARIABLE]: join(folder, 'coverage'), [SERVER_VARIABLE]: JSON.stringify({ url: server.url, adminUrl: server.adminUrl }) };
    try {
      await inParallel(files.map(file => async () => { add(total, show(file, await runNode([join(ROOT, file)], { env, timeoutMs: FILE_TIMEOUT }))); }));
      if (patterns.length === 0 && !wereEnded()) add(total, await showCoverage(join(folder, 'coverage')));
    } finally {
      await server.stop();
    }
  } catch (error) {
    console.log('The tests could not be run:', error);
    total.failed += 1;
  } finally {
    await endLeftServers(folder);
    await rm(folder, { recursive: true, force: true });
  }
  return total;
}

/** What the end of a test file means: its own counts, and one failure more where those cannot be trusted. */
export function judge({ status, messages }: Pick<Ending, 'status' | 'messages'>): { counts: Counts; complaint: string | undefined } {
  const counts = messages.find(isCounts);
  const complaint = counts === undefined ? 'It reported no results: does it call suite()?'
    : status !== 0 && counts.failed === 0 ? `It ended with ${status}.`
    : counts.passed + counts.failed + counts.skipped === 0 ? 'It has no tests.'
    : undefined;
  const { passed, failed, skipped } = counts ?? { passed: 0, failed: 0, skipped: 0 };
  return { counts: { passed, failed: complaint === undefined ? failed : failed + 1, skipped }, complaint };
}

function show(file: string, ending: Ending): Counts {
  const { counts, complaint } = judge(ending);
  console.log(`${counts.failed > 0 ? 'FAIL' : 'ok  '} ${file}  ${summary(counts)}  ${ending.seconds.toFixed(1)} s`);
  if (counts.skipped > 0) for (const reason of ending.output.match(/^.* are skipped\.$/gm) ?? []) console.log(`     ${reason}`);
  if (counts.failed > 0) console.log(`${ending.output.trimEnd()}\n${complaint === undefined ? '' : `${complaint}\n`}`);
  return counts;
}

/** A test of its own: the answers that the contract declares and the ones that the tests saw. */
async function showCoverage(file: string): Promise<Counts> {
  const { declared, seen, faults } = await judgeCoverage(file);
  console.log(`${faults.length > 0 ? 'FAIL' : 'ok  '} coverage of the contract: ${seen} of ${declared} declared answers seen`);
  for (const fault of faults) console.log(`     ${fault}`);
  return { passed: faults.length === 0 ? 1 : 0, failed: faults.length === 0 ? 0 : 1, skipped: 0 };
}

const isCounts = (value: unknown): value is Counts => isRecord(value) && ['passed', 'failed', 'skipped'].every(name => Number.isInteger(value[name]));

function add(total: Counts, more: Counts): void {
  total.passed += more.passed;
  total.failed += more.failed;
  total.skipped += more.skipped;
}

/** The last line of a run; other programs read it. */
export const summary = ({ passed, failed, skipped }: Counts): string => `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;

/** Servers of test files that were killed: they live in sessions of their own. */
async function endLeftServers(folder: string): Promise<void> {
  for await (const place of glob('**/postgres', { cwd: folder })) {
    const data = await realpath(join(folder, place, 'cluster')).catch(() => undefined);
    const server = data === undefined ? undefined : await findPostmaster(data);
    if (data !== undefined && server) await endPostmaster(data, server.pid, 5_000);
    await removeDataFolder(dirname(join(folder, place)));
  }
}

/** Prints the summary and sets the exit status. Ctrl-C ends the children and what follows is tidied up as ever. */
export async function runToEnd(work: () => Promise<Counts>): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => { endChildren(); });
  const counts = await work();
  if (wereEnded()) counts.failed += 1;
  console.log(summary(counts));
  process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;
}

if (import.meta.main) await runToEnd(() => runTests(process.argv.slice(2)));
