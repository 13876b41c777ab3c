/** The portal as its users run it, `src/main.ts` in a process of its own, for tests that kill things. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { isRecord } from '../../src/core/values.ts';
import { ADMIN } from './portal.ts';
import { atEnd } from './suite.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const READY_MS = 30_000;

export interface PortalProcess {
  url: string;
  child: ChildProcess;
  /** Process ids of the workers that were ready, in order. */
  workers: readonly number[];
  /** Resolves when so many workers have become ready since the start. */
  workerReady: (count: number) => Promise<void>;
  stop: (signal: NodeJS.Signals) => Promise<number | null>;
}

/** Starts it, with its worker unless ROLE says otherwise, and waits until it is ready. */
export async function startPortalProcess(environment: Record<string, string>): Promise<PortalProcess> {
  const child = spawn(process.execPath, [MAIN], {
    env: { PATH: process.env['PATH'] ?? '', PORT: '0', VULNDB_SYNC: 'off', ADMIN_EMAIL: ADMIN.email, ADMIN_PASSWORD: ADMIN.password, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  atEnd(() => {
    child.kill('SIGKILL');
    child.stdout.destroy(); // a worker that outlives it for a moment holds the pipe
  });
  const workers: number[] = [];
  const waiting: (() => void)[] = [];
  let url = '';
  createInterface(child.stdout).on('line', (line) => {
    const entry: unknown = JSON.parse(line);
    if (!isRecord(entry) || typeof entry['msg'] !== 'string') return;
    if (entry['msg'] === 'worker ready') workers.push(Number(entry['pid']));
    url ||= /^listening on (\S+)/.exec(entry['msg'])?.[1] ?? '';
    for (const check of waiting) check();
  });
  const until = (fact: () => boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('the portal is not ready in time')), READY_MS);
      const check = (): void => {
        if (!fact()) return;
        clearTimeout(timer);
        resolve();
      };
      child.once('exit', (code) => {
        clearTimeout(timer);
        reject(new Error(`the portal ended with ${String(code)}`));
      });
      waiting.push(check);
      check();
    });
  const workerReady = (count: number): Promise<void> => until(() => workers.length >= count);
  if (environment['ROLE'] !== 'worker') await until(() => url !== '');
  if (environment['ROLE'] !== 'api') await workerReady(1);
  return {
    url, child, workers, workerReady,
    stop: async (signal) => {
      const gone = once(child, 'exit');
      child.kill(signal);
      await gone;
      return child.exitCode;
    },
  };
}
