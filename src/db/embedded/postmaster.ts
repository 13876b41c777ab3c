/** The server's main process: finding it through postmaster.pid, starting it, ending it. */
import { spawn } from 'node:child_process';
import { open, readFile, readlink, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CLEAN_ENVIRONMENT } from './account.ts';
import type { Cluster } from './layout.ts';
import { errorCode, messageOf, pause } from '../../core/values.ts';

export interface Postmaster {
  pid: number;
  port: number;
  /** `starting`, `ready`, `stopping` ...; empty in the first instants. */
  status: string;
}

/** Whether a process exists; one that belongs to somebody else does. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) !== 'ESRCH';
  }
}

/**
 * The live server of this cluster. A postmaster.pid that a killed server left is removed when its number belongs to another
 * process now (usual in containers) or to a zombie: PostgreSQL itself would refuse to start over it.
 */
export async function findPostmaster(data: string): Promise<Postmaster | undefined> {
  const file = join(data, 'postmaster.pid');
  const text = await readFile(file, 'utf8').catch(() => '');
  const lines = text.split('\n').map(line => line.trim());
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0 || !isAlive(pid)) return undefined;
  if (!await isServerOf(pid, data)) {
    if (await readFile(file, 'utf8').catch(() => '') === text) await rm(file, { force: true });
    return undefined;
  }
  return { pid, port: Number(lines[3]), status: lines[7] ?? '' };
}

/** Asks Linux what the process is; elsewhere a live number is believed. A server's working folder is its data folder. */
async function isServerOf(pid: number, data: string): Promise<boolean> {
  if (process.platform !== 'linux') return true;
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const [, name, state] = /^\d+ \((.*)\) (\S)/s.exec(line) ?? [];
  if (name !== 'postgres' || state === 'Z' || state === 'X') return false;
  const folder = await readlink(`/proc/${pid}/cwd`).catch(() => undefined); // unreadable for another user's process
  return folder === undefined || folder === data || folder === '/'; // "/": it has not changed into its folder yet
}

/** Bytes after which a start begins a new log; the one before is kept. */
const LOG_LIMIT = 10 * 1024 * 1024;

export interface Launch {
  pid: number | undefined;
  /** Resolves when the process ends, with what it wrote to the log. */
  ended: Promise<string>;
}

/**
 * Starts the server in a session of its own, its output going to a file: neither Ctrl-C in our terminal nor our own death
 * ends it, so that it is always we who end it, after the last request; and a next start finds and adopts it.
 */
export async function launch(cluster: Cluster, port: number): Promise<Launch> {
  const { size: written } = await stat(cluster.logFile).catch(() => ({ size: 0 }));
  if (written > LOG_LIMIT) await rename(cluster.logFile, `${cluster.logFile}.1`);
  const log = await open(cluster.logFile, 'a', 0o640);
  try {
    const { size } = await log.stat();
    const child = spawn(cluster.binaries.postgres, ['-D', cluster.data, '-p', String(port)], {
      cwd: '/', env: CLEAN_ENVIRONMENT, detached: true, stdio: ['ignore', log.fd, log.fd], ...cluster.account,
    });
    const ended = new Promise<string>(resolve => {
      child.once('error', error => { resolve(messageOf(error)); });
      child.once('exit', () => { resolve(logSince(cluster.logFile, size)); });
    });
    child.unref();
    return { pid: child.pid, ended };
  } finally {
    await log.close();
  }
}

async function logSince(file: string, start: number): Promise<string> {
  const text = await readFile(file).catch(() => Buffer.alloc(0));
  return text.subarray(start).toString('utf8').trim();
}

/**
 * Ends the server: at once for clients but with a checkpoint (SIGINT), and after the deadline without one (SIGQUIT: the next
 * start recovers from the log; nothing committed is lost).
 * @returns whether it is gone
 */
export async function endPostmaster(data: string, pid: number, deadlineMs: number): Promise<boolean> {
  const gone = async (): Promise<boolean> => (await findPostmaster(data))?.pid !== pid;
  for (const [signal, ms] of [['SIGINT', deadlineMs], ['SIGQUIT', 6_000]] as const) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (errorCode(error) !== 'ESRCH') throw error;
    }
    for (const end = Date.now() + ms; Date.now() < end; await pause(10)) if (await gone()) return true;
  }
  return gone();
}
