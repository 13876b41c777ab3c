/** Many processes of the portal on one database, as an installation that is scaled out has them: each can be killed and is started again. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { isRecord } from '../../../src/core/values.ts';
import { removeDataFolder } from '../../../src/db/embedded.ts';

const MAIN = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));
const READY_MS = 60_000;
/** pino's number for `error`. */
const ERROR_LEVEL = 50;

export type FleetRole = 'api' | 'worker';

export interface Member {
  role: FleetRole;
  child: ChildProcess;
  /** Of an api process. */
  port: number;
  startedAt: number;
}

export interface FleetOptions {
  databaseUrl: string;
  /** Settings of all processes, beside those that make them one installation. */
  environment?: Readonly<Record<string, string>>;
  /** Flags of Node. */
  flags?: readonly string[];
}

export interface Fleet {
  /** Those that are ready, in the order of their starts. */
  ready: (role: FleetRole) => readonly Member[];
  /** Errors that the processes logged, by their words. */
  errors: ReadonlyMap<string, number>;
  start: (role: FleetRole) => Promise<Member>;
  /** Kills one without warning. */
  kill: (member: Member) => Promise<void>;
  /** Stops one as an operator would. */
  end: (member: Member) => Promise<void>;
  /** Stops all as an operator would; exit codes. */
  stop: () => Promise<(number | null)[]>;
  /** Whatever still runs is killed, and folders are removed. */
  destroy: () => Promise<void>;
}

/** Starts nothing yet. */
export async function createFleet({ databaseUrl, environment = {}, flags = [] }: FleetOptions): Promise<Fleet> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sca-portal-fleet-'));
  const members = new Set<Member>();
  const children = new Set<ChildProcess>();
  const errors = new Map<string, number>();
  let count = 0;

  const start = async (role: FleetRole): Promise<Member> => {
    count += 1;
    const child = spawn(process.execPath, [...flags, MAIN], {
      env: {
        PATH: process.env['PATH'] ?? '', ROLE: role, PORT: '0', DATABASE_URL: databaseUrl, DATA_DIR: path.join(folder, `${role}-${count}`), DATABASE_POOL_SIZE: '6', VULNDB_SYNC: 'off', BACKUP_SCHEDULE: 'off',
        SECRET_KEY: 'a-master-key-that-all-processes-share', ...environment,
      },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    children.add(child);
    const member: Member = { role, child, port: 0, startedAt: Date.now() };
    child.once('exit', () => {
      members.delete(member);
      children.delete(child);
    });
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`the ${role} is not ready in time`)), READY_MS);
      child.once('exit', (code, signal) => {
        clearTimeout(late);
        reject(new Error(`the ${role} ended with ${String(code ?? signal)}`));
      });
      createInterface(child.stdout ?? process.stdin).on('line', (line) => {
        const { msg, level, err } = entryOf(line);
        member.port ||= Number(/^listening on \S+:(\d+)$/.exec(msg)?.[1] ?? 0);
        if (level >= ERROR_LEVEL) errors.set(`${msg}${err}`, (errors.get(`${msg}${err}`) ?? 0) + 1);
        if (member.port === 0 && msg !== 'worker ready') return;
        clearTimeout(late);
        resolve();
      });
    });
    members.add(member);
    return member;
  };
  const end = async (child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
    return child.exitCode;
  };
  return {
    ready: (role) => [...members].filter((member) => member.role === role),
    errors, start,
    kill: async (member) => {
      members.delete(member);
      await end(member.child, 'SIGKILL');
    },
    end: async (member) => {
      members.delete(member);
      await end(member.child, 'SIGTERM');
    },
    stop: () => Promise.all([...children].map((child) => end(child, 'SIGTERM'))),
    destroy: async () => {
      for (const child of [...children]) {
        await end(child, 'SIGKILL');
        child.stdout?.destroy();
      }
      await removeDataFolder(folder);
    },
  };
}

/** A line of the log; what is none has no level. */
function entryOf(line: string): { msg: string; level: number; err: string } {
  try {
    const entry: unknown = JSON.parse(line);
    if (!isRecord(entry)) return { msg: '', level: 0, err: '' };
    const { msg, level, err } = entry;
    return { msg: String(msg), level: Number(level), err: isRecord(err) ? `: ${String(err['message'])}` : '' };
  } catch {
    return { msg: line, level: ERROR_LEVEL, err: '' };
  }
}
