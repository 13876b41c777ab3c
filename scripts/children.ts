/** Child processes of the test runner and of the checks: run two at a time, their output kept, ended when we are. */
import { spawn, type ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';

export interface Ending {
  /** Exit status, or the name of the signal that ended it. */
  status: number | string;
  /** Standard output and error, in the order in which they came. */
  output: string;
  /** Messages that it sent over the IPC channel. */
  messages: unknown[];
  seconds: number;
}

/** Two at a time, more where there are many processors. */
const PARALLEL = Math.max(2, Math.min(6, Math.floor(availableParallelism() / 2)));

const OUTPUT_LIMIT = 4 * 1024 * 1024;
const KILL_AFTER = 5_000;

const running = new Set<ChildProcess>();
let ended = false;

/** Runs Node with these arguments to its end, or until the time limit. */
export async function runNode(args: readonly string[], { env = process.env, timeoutMs }: { env?: NodeJS.ProcessEnv; timeoutMs: number }): Promise<Ending> {
  const begin = performance.now();
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  running.add(child);
  const chunks: Buffer[] = [];
  const messages: unknown[] = [];
  let size = 0;
  const keep = (chunk: Buffer): void => {
    size += chunk.length;
    if (size <= OUTPUT_LIMIT) chunks.push(chunk);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  child.on('message', message => messages.push(message));
  const timer = setTimeout(() => { keep(Buffer.from(`\nStopped after ${timeoutMs / 1000} s.\n`)); kill(child); }, timeoutMs);
  const status = await new Promise<number | string>(resolve => {
    child.once('error', error => { resolve(error.message); });
    // 'exit', not 'close': a grandchild that lives on may hold the pipes open
    child.once('exit', (code, signal) => setImmediate(() => { resolve(code ?? signal ?? 'unknown'); }));
  });
  clearTimeout(timer);
  running.delete(child);
  child.stdout?.destroy();
  child.stderr?.destroy();
  return { status, output: Buffer.concat(chunks).toString('utf8'), messages, seconds: (performance.now() - begin) / 1000 };
}

function kill(child: ChildProcess): void {
  child.kill('SIGTERM');
  setTimeout(() => child.kill('SIGKILL'), KILL_AFTER).unref();
}

/** Ends all children, and lets no further job begin. */
export function endChildren(): void {
  ended = true;
  for (const child of running) kill(child);
}

export const wereEnded = (): boolean => ended;

/** Runs the jobs in order, PARALLEL at a time, until endChildren(). */
export async function inParallel(jobs: readonly (() => Promise<void>)[]): Promise<void> {
  const queue = jobs.values();
  const worker = async (): Promise<void> => { for (const job of queue) if (!ended) await job(); };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
}
