/** ROLE=both: the worker runs in a child process, so that scans do not slow requests down. It is started again when it dies. */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { inheritedEnvironment } from './config.ts';

export interface WorkerProcess {
  /** Of the child that runs at present. */
  pid: () => number | undefined;
  stop: (deadlineMs: number) => Promise<void>;
}

/** V8's default lets garbage pile up: a scan of 100,000 components took 600 MiB, and as long as with 390. Requests, which are short, do better with the default. */
export const WORKER_HEAP_FLAG = '--max-semi-space-size=8';

const RESTART_MS = [100, 500, 1000, 5000];
/** A child that lived this long was well: its end is not counted with the ones before. */
const HEALTHY_MS = 30_000;

/**
 * @param environment of the child, beside ours
 * @param output file descriptor that takes what the child writes; ours where there is none
 */
export function superviseWorker(environment: Readonly<Record<string, string>>, log: Logger, output: number | 'inherit' = 'inherit'): WorkerProcess {
  let child: ChildProcess | null = null;
  let timer: NodeJS.Timeout | null = null;
  let stopping = false;
  let deaths = 0;

  const run = (): void => {
    const startedAt = Date.now();
    const own = fork(fileURLToPath(new URL('./main.ts', import.meta.url)), { env: { ...inheritedEnvironment(), ...environment, ROLE: 'worker' }, execArgv: [...process.execArgv, WORKER_HEAP_FLAG], stdio: ['ignore', output, output, 'ipc'] });
    child = own;
    own.once('exit', (code, signal) => {
      if (stopping) return;
      deaths = Date.now() - startedAt > HEALTHY_MS ? 0 : deaths + 1;
      const delay = RESTART_MS[Math.min(deaths, RESTART_MS.length) - 1] ?? 100;
      log.error({ code, signal, restart_ms: delay }, 'the worker ended unexpectedly; its scans will be taken up again');
      timer = setTimeout(run, delay);
    });
    own.on('error', (error) => log.error({ err: error }, 'the worker could not be started'));
  };
  run();
  return {
    pid: () => child?.pid,
    stop: async (deadlineMs) => {
      stopping = true;
      if (timer !== null) clearTimeout(timer);
      const own = child;
      if (own === null || own.exitCode !== null || own.signalCode !== null) return;
      const exited = new Promise((resolve) => own.once('exit', resolve));
      own.kill('SIGTERM');
      const cut = setTimeout(() => own.kill('SIGKILL'), deadlineMs);
      await exited;
      clearTimeout(cut);
    },
  };
}
