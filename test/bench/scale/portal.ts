/** A portal on the seeded database for measuring it: the processes as they are deployed, and a connection of our own. */
import { fork, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { isRecord } from '../../../src/core/values.ts';
import { openEmbedded } from '../../../src/db/embedded.ts';
import { migrate } from '../../../src/db/migrate.ts';

const MAIN = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));
const ADMIN = { email: 'admin@seed.example', password: 'a passphrase for the seeded admin' };
const log = { info: (): void => undefined, warn: (): void => undefined, error: console.error };

const seedDir = (): string => process.env['SEED_DIR'] || path.join(tmpdir(), 'sca-portal-scale');

export interface StatementCost {
  calls: number;
  totalMs: number;
  text: string;
}

export interface ScalePortal {
  url: string;
  sql: pg.Client;
  /** What the database has done since it was last asked; none where it is not the embedded one. */
  statements: () => Promise<StatementCost[]>;
  /** The process that serves requests. */
  api: ChildProcess;
  signIn: (email: string, password: string) => Promise<string>;
  /** Access token of the super admin. */
  admin: string;
  stop: () => Promise<void>;
}

/** @param execArgv of the process that serves requests; with `worker` one runs beside it */
export async function startScalePortal(port: number, { worker = false, execArgv = [], environment = {} }: { worker?: boolean; execArgv?: readonly string[]; environment?: Record<string, string> } = {}): Promise<ScalePortal> {
  const given = process.env['DATABASE_URL'];
  if (!given && !existsSync(path.join(seedDir(), 'postgres'))) throw new Error(`there is no database in ${seedDir()}: make seed-scale first`);
  const embedded = given ? null : await openEmbedded({ dataDir: seedDir(), log, settings: { shared_preload_libraries: 'pg_stat_statements', 'pg_stat_statements.track_planning': 'on' } });
  const databaseUrl = given || (embedded?.url ?? '');
  await migrate(databaseUrl, { log });
  const sql = new pg.Client({ connectionString: databaseUrl });
  await sql.connect();
  const superuser = embedded === null ? null : new pg.Client({ connectionString: embedded.adminUrl.replace(/[^/]*$/, 'portal') });
  await superuser?.connect();
  await superuser?.query('CREATE EXTENSION IF NOT EXISTS pg_stat_statements');
  const statements = async (): Promise<StatementCost[]> => {
    if (superuser === null) return [];
    const { rows } = await superuser.query<{ calls: string; total: number; query: string }>('SELECT calls, total_exec_time + total_plan_time AS total, query FROM pg_stat_statements ORDER BY total DESC');
    await superuser.query('SELECT pg_stat_statements_reset()');
    return rows.map(({ calls, total, query }) => ({ calls: Number(calls), totalMs: total, text: query.replaceAll(/\s+/g, ' ').trim() }));
  };
  const children: ChildProcess[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(children.map(end));
    await Promise.all([sql.end(), superuser?.end()]);
    await embedded?.stop(60_000);
  };
  const start = async (role: 'api' | 'worker', flags: readonly string[]): Promise<ChildProcess> => {
    const env = {
      PATH: process.env['PATH'] ?? '', LOG_LEVEL: 'error', ROLE: role, PORT: String(port), DATABASE_URL: databaseUrl, DATA_DIR: path.join(seedDir(), role), SECRET_KEY: 'a-key-for-the-seeded-database-of-32-letters', VULNDB_SYNC: 'off',
      BACKUP_SCHEDULE: 'off', SCAN_RETENTION_PER_REF: '100000', MAX_ACTIVE_SCANS_PER_TEAM: '10000', TRUSTED_PROXIES: '127.0.0.1', ADMIN_EMAIL: ADMIN.email, ADMIN_PASSWORD: ADMIN.password, ...environment,
    };
    const child = fork(MAIN, { env, execArgv: [...flags], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    children.push(child);
    await new Promise<void>((resolve, reject) => {
      child.once('message', () => resolve());
      child.once('exit', (code) => reject(new Error(`${role} ended with ${code ?? 'a signal'}`)));
    });
    return child;
  };
  try {
    const api = await start('api', execArgv);
    if (worker) await start('worker', []);
    const url = `http://127.0.0.1:${port}`;
    let people = 0;
    const signIn = async (email: string, password: string): Promise<string> => {
      people += 1; // one log-in an address, since these are limited
      const response = await fetch(`${url}/auth/login`, { method: 'POST', headers: { 'Content-Type': 'application/json', 'X-Forwarded-For': `192.0.2.${people % 250}` }, body: JSON.stringify({ email, password }) });
      const body: unknown = await response.json();
      if (!response.ok || !isRecord(body)) throw new Error(`${email} cannot log in: ${response.status} ${JSON.stringify(body)}`);
      return String(body['access_token']);
    };
    return { url, sql, statements, api, signIn, stop, admin: await signIn(ADMIN.email, ADMIN.password) };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await exited;
}

/** The value below which so much of them lies; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;
}
