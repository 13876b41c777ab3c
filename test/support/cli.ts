/** The command line as CI runs it: `bin/portal` in a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { atEnd } from './suite.ts';

const PORTAL = fileURLToPath(new URL('../../clients/typescript/bin/portal', import.meta.url));

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
