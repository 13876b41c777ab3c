/**
 * Test suites: uvu, made safe. A file runs by itself once it is evaluated; a hook that throws, a test that hangs, a suite
 * without tests and handles left open all fail the run, each of which uvu lets pass. (A file without any suite sends no
 * counts: scripts/test.ts takes that for a failure.)
 */
import { env } from 'node:process';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

type Body = () => unknown;

export interface TestOptions {
  timeoutMs?: number;
}

export interface Suite {
  (name: string, body: Body, options?: TestOptions): void;
  /** Not run, counted as skipped. */
  skip: (name: string, body?: Body, options?: TestOptions) => void;
  /** Once before the suite's tests; when it throws, all of them fail. */
  before: (body: Body) => void;
  /** Once after them, also when they failed. */
  after: (body: Body) => void;
  beforeEach: (body: Body) => void;
  afterEach: (body: Body) => void;
}

const TEST_TIMEOUT = 30_000;
const HOOK_TIMEOUT = 60_000;
/** For what a file opened to be closed after its last test; shorter in the wrapper's own tests. */
const EXIT_TIMEOUT = Number(env['TEST_EXIT_TIMEOUT_MS'] ?? 10_000);

// uvu starts by itself unless it thinks that its command line does.
Object.assign(globalThis, { UVU_DEFER: 1, UVU_QUEUE: [[null]], UVU_INDEX: 0 });
const uvu = await import('uvu');

const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
/** Failures that uvu does not print. */
const complaints: string[] = [];
const suites: { name: string; tests: number; finished: number; skipped: number; run: () => void }[] = [];
const endings: Body[] = [];
let state: 'collecting' | 'running' = 'collecting';

function complain(what: string, error?: unknown): void {
  complaints.push(error === undefined ? what : `${what}: ${inspect(error)}`);
}

/** Runs a body under a time limit. What a timed-out body does later is not waited for. */
async function limited(body: Body, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => { reject(new Error(`took longer than ${timeoutMs} ms`)); }, timeoutMs);
  });
  try {
    await Promise.race([body(), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Runs a hook; a failure fails the file, and is thrown on so that the tests that count on it do not run. */
async function runHook(what: string, body: Body): Promise<void> {
  try {
    await limited(body, HOOK_TIMEOUT);
  } catch (error) {
    complain(what, error);
    throw error;
  }
}

/** Opens a suite; by convention its name is an operationId or the unit's name. */
export function suite(name: string): Suite {
  const inner = uvu.suite(name);
  const entry = { name, tests: 0, finished: 0, skipped: 0, run: () => { inner.run(); } };
  if (suites.push(entry) === 1) void runAtEnd();
  const hooks: { before: Body[]; after: Body[] } = { before: [], after: [] };
  const test = (title: string, body: Body, { timeoutMs = TEST_TIMEOUT }: TestOptions = {}): void => {
    if (state === 'running') throw new Error(`Test "${title}" is registered after the tests have begun.`);
    entry.tests += 1;
    inner(title, async () => {
      try {
        for (const each of hooks.before) await limited(each, HOOK_TIMEOUT);
        await limited(body, timeoutMs).finally(async () => { for (const each of hooks.after) await limited(each, HOOK_TIMEOUT); });
        counts.passed += 1;
      } catch (error) {
        counts.failed += 1;
        throw error instanceof Error ? error : new Error(`threw ${inspect(error)}`);
      } finally {
        entry.finished += 1;
      }
    });
  };
  return Object.assign(test, {
    skip: (title: string) => { entry.skipped += 1; inner.skip(title); },
    before: (body: Body) => { inner.before(() => runHook(`${name}: before`, body)); },
    after: (body: Body) => { inner.after(() => runHook(`${name}: after`, body).catch(() => undefined)); }, // uvu would break off
    beforeEach: (body: Body) => { hooks.before.push(body); },
    afterEach: (body: Body) => { hooks.after.push(body); },
  });
}

/** Does something after the last suite of the file, in reverse order of the calls: closing what the file shares. */
export function atEnd(body: Body): void {
  endings.unshift(body);
}

/** Importing the file that is being evaluated waits for the end of its evaluation. */
async function runAtEnd(): Promise<void> {
  try {
    await import(pathToFileURL(process.argv[1] ?? '').href);
  } catch {
    counts.failed += 1; // Node itself reports why the file could not be evaluated
    report();
    return;
  }
  state = 'running';
  for (const { run } of suites) run();
  await uvu.exec();
  for (const { name, tests, finished, skipped } of suites) {
    if (tests + skipped === 0) complain(`Suite "${name}" has no tests`);
    counts.failed += tests - finished; // a failed hook kept them from running
    counts.skipped += skipped;
  }
  for (const body of endings) await limited(body, HOOK_TIMEOUT).catch((error: unknown) => { complain('Closing what the file opened', error); });
  report();
}

function report(): void {
  counts.failed += complaints.length;
  if (complaints.length > 0) console.log(`\n${complaints.join('\n')}\n`);
  process.exitCode = counts.failed > 0 ? 1 : 0;
  process.send?.(counts);
  console.log(`${counts.passed} passed, ${counts.failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''}`);
  setTimeout(() => {
    console.log(`${EXIT_TIMEOUT} ms after the last test these are still open: ${process.getActiveResourcesInfo().join(', ')}`);
    process.exit(1);
  }, EXIT_TIMEOUT).unref();
}
