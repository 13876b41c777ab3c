/** Gets a connection to the cluster's server: to the one that runs, or to one that it starts. */
import { createServer } from 'node:net';
import pg from 'pg';
import type { Log } from '../log.ts';
import { LOCK, LOCK_CLASS } from '../locks.ts';
import type { Cluster } from './layout.ts';
import { writeWhole } from './files.ts';
import { choosePort } from './initialise.ts';
import { findPostmaster, launch } from './postmaster.ts';
import { writeSettings } from './settings.ts';
import { errorCode, messageOf, pause } from '../../core/values.ts';

export interface Reached {
  /**
   * A session of the superuser that holds the server's shared lock: as long as it lives, no other process of ours stops the
   * server; and its end tells that the server is gone. It dies with this process, so nothing is left to clean up.
   */
  keeper: pg.Client;
  port: number;
  /** Whether this call started the server. */
  started: boolean;
}

export interface ReachOptions {
  cluster: Cluster;
  /** The port that the server must have; without it another is taken when the usual one is in use. */
  port?: number;
  settings: Readonly<Record<string, string>>;
  signal: AbortSignal;
  log: Log;
}

interface Attempt {
  pid: number | undefined;
  /** What the server wrote to the log, once it has ended. */
  end?: string;
}

/** For a start to succeed while the remains of a killed server go away, or a port is freed, in milliseconds. */
const PATIENCE = 30_000;
/** For the server to recover after a crash, in milliseconds. */
const RECOVERY = 600_000;
const POLL = 10;

/** What a failed start says when a later one may succeed. */
const PASSING = /pre-existing shared memory block|lock file "postmaster.pid"|could not bind|could not create any TCP/;

/** @throws Error with the end of the server's log when it does not start */
export async function reachServer({ cluster, port: wanted, settings, signal, log }: ReachOptions): Promise<Reached> {
  const begin = Date.now();
  let port = wanted ?? cluster.access.port;
  let launched: Attempt | undefined;
  let wait = 50;
  let notice = begin + 5_000;
  for (; ; await pause(POLL)) {
    signal.throwIfAborted();
    const server = await findPostmaster(cluster.data);
    if (server?.status === 'ready') {
      const keeper = await connectKeeper(cluster, server.port);
      if (keeper) {
        await rememberPort(cluster, server.port);
        return { keeper, port: server.port, started: server.pid === launched?.pid };
      }
    } else if (!server && !launched) {
      while (!wanted && !await isFree(port)) port = choosePort();
      await writeSettings(cluster.data, cluster.account, settings);
      const { pid, ended } = await launch(cluster, port);
      const attempt: Attempt = { pid };
      void ended.then(end => { attempt.end = end; });
      launched = attempt;
    } else if (!server && launched?.end !== undefined) {
      if (!PASSING.test(launched.end) || Date.now() - begin > PATIENCE) throw new Error(`PostgreSQL does not start; ${cluster.logFile} says:\n${lastLines(launched.end)}`);
      launched = undefined;
      await pause(wait);
      wait = Math.min(wait * 2, 1_000);
    }
    if (Date.now() - begin > RECOVERY) throw new Error(`PostgreSQL was not ready in ${RECOVERY / 60_000} minutes; see ${cluster.logFile}.`);
    if (Date.now() > notice) {
      log.info(`PostgreSQL is still ${server?.status || 'starting'} (after a crash it first recovers) ...`);
      notice += 5_000;
    }
  }
}

const lastLines = (text: string): string => text.split('\n').slice(-20).join('\n');

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const probe = createServer();
    probe.once('error', () => { resolve(false); });
    probe.listen({ port, host: '127.0.0.1' }, () => probe.close(() => { resolve(true); }));
  });
}

async function rememberPort(cluster: Cluster, port: number): Promise<void> {
  if (cluster.access.port === port) return;
  cluster.access.port = port;
  await writeWhole(cluster.accessFile, `${JSON.stringify(cluster.access, null, 2)}\n`);
}

/** Errors of a server that is just starting, stopping or recovering. */
const NOT_NOW = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', '57P01', '57P02', '57P03']);

/** @returns undefined when the server cannot be reached just now */
async function connectKeeper(cluster: Cluster, port: number): Promise<pg.Client | undefined> {
  const keeper = new pg.Client({
    host: '127.0.0.1', port, user: 'postgres', password: cluster.access.adminPassword, database: 'postgres',
    application_name: `sca-portal keeper pid=${process.pid}`, connectionTimeoutMillis: 5_000, keepAlive: true,
  });
  keeper.on('error', () => undefined); // 'end' follows
  try {
    await keeper.connect();
    const { rows: [row] } = await keeper.query<{ data: string }>("SELECT current_setting('data_directory') AS data");
    if (row?.data !== cluster.data) throw new Error(`The server on port ${port} works on ${row?.data ?? 'another folder'}, not on ${cluster.data}: is this folder a copy of a running one?`);
    await keeper.query('SELECT pg_advisory_lock_shared($1, $2)', [LOCK_CLASS, LOCK.embeddedServer]);
    return keeper;
  } catch (error) {
    await keeper.end().catch(() => undefined);
    if (NOT_NOW.has(errorCode(error)) || /terminated|timeout/i.test(messageOf(error))) return undefined;
    if (errorCode(error) === '28P01') throw new Error(`The server of ${cluster.data} refuses the password in ${cluster.accessFile}.`, { cause: error });
    throw error;
  }
}
