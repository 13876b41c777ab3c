/** The command line as CI runs it: `bin/portal` in a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { atEnd } from './suite.ts';

const PORTAL = fileURLToPath(new URL('../../clients/typescript/bin/portal', import.meta.url));

/** For tests that start several processes, on machines that do much else. */
export const SLOW = { timeoutMs: 120_000 };

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** @param env all that it sees, beside PATH @param onError called with each piece of standard error */
export async function runCli(args: readonly string[], env: Record<string, string>, { cwd, onError }: { cwd?: string; onError?: (piece: string, kill: (signal: NodeJS.Signals) => void) => void } = {}): Promise<Ran> {
  const child = spawn(PORTAL, args, { env: { PATH: process.env['PATH'] ?? '', TMPDIR: process.env['TMPDIR'] ?? '/tmp', ...env }, stdio: ['ignore', 'pipe', 'pipe'], ...(cwd === undefined ? {} : { cwd }) });
  atEnd(() => void child.kill('SIGKILL'));
  child.stderr.on('data', (piece: Buffer) => onError?.(piece.toString('utf8'), (signal) => void child.kill(signal)));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: child.exitCode, stdout, stderr };
}

/** Asserts the exit code. */
export function ended(ran: Ran, code: number): Ran {
  assert.is(ran.code, code, `ended with ${String(ran.code)}:\n${ran.stdout}\n${ran.stderr}`);
  return ran;
}

/** Asserts that there is no result, and what standard error says. */
export function toldWhy(ran: Ran, pattern: RegExp): void {
  const { stdout, stderr } = ended(ran, 2);
  assert.match(stderr, pattern);
  assert.not.match(stderr, /\n\s+at .*:\d+/, 'no stack traces');
  assert.is(stdout, '');
}
