/**
 * The PostgreSQL server that runs in DATA_DIR when no DATABASE_URL is given. It outlives a killed portal and is adopted by the
 * next start; it is started again when it dies under a running portal; the last process that uses it stops it.
 */
import type pg from 'pg';
import { openCluster } from './embedded/cluster.ts';
import type { Cluster } from './embedded/layout.ts';
import { endPostmaster, findPostmaster } from './embedded/postmaster.ts';
import { reachServer, type Reached } from './embedded/reach.ts';
import { messageOf, pause } from '../core/values.ts';
import { LOCK, LOCK_CLASS } from './locks.ts';
import type { Log } from './log.ts';

export { removeDataFolder } from './embedded/cluster.ts';
export { holdPortal, type Hold } from './embedded/hold.ts';

export interface EmbeddedOptions {
  dataDir: string;
  log: Log;
  /** Server settings that differ from ours, for tests. They take effect when this call starts the server. */
  settings?: Readonly<Record<string, string>>;
}

export interface Embedded {
  /** Of the portal's own role and database. It stays the same when the server is started again. */
  url: string;
  /** Of the superuser, for tests and tools. */
  adminUrl: string;
  /** Whether this call started the server; otherwise it was running. */
  started: boolean;
  /**
   * Lets go of the server and stops it, unless another process uses it.
   * @param deadlineMs for an orderly stop; then it is ended at once, which loses nothing but makes the next start slower
   * @returns whether the server was stopped
   */
  stop: (deadlineMs: number) => Promise<boolean>;
}

/**
 * Opens the database below `dataDir`: makes it, starts the server, or joins the one that runs.
 * @throws Error with a message for the administrator
 */
export async function openEmbedded({ dataDir, log, settings = {} }: EmbeddedOptions): Promise<Embedded> {
  const cluster = await openCluster(dataDir, log);
  const supervisor = new Supervisor(cluster, log, settings);
  const { port, started } = await supervisor.start();
  const { password, adminPassword } = cluster.access;
  return {
    url: `postgres://portal:${password}@127.0.0.1:${port}/portal`,
    adminUrl: `postgres://postgres:${adminPassword}@127.0.0.1:${port}/postgres`,
    started,
    stop: deadlineMs => supervisor.stop(deadlineMs),
  };
}

/** Guards one fact: the connection that says whether the server lives. */
class Supervisor {
  readonly #cluster: Cluster;
  readonly #log: Log;
  readonly #settings: Readonly<Record<string, string>>;
  readonly #stopping = new AbortController();
  #keeper: pg.Client | undefined;
  #revival: Promise<void> = Promise.resolve();

  constructor(cluster: Cluster, log: Log, settings: Readonly<Record<string, string>>) {
    this.#cluster = cluster;
    this.#log = log;
    this.#settings = settings;
  }

  async start(port?: number): Promise<Reached> {
    const reached = await reachServer({ cluster: this.#cluster, settings: this.#settings, signal: this.#stopping.signal, log: this.#log, ...(port === undefined ? {} : { port }) });
    this.#keeper = reached.keeper;
    reached.keeper.once('end', () => {
      this.#keeper = undefined;
      if (!this.#isStopping()) this.#revival = this.#revive(reached.port);
    });
    return reached;
  }

  #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Never rejects. */
  async #revive(port: number): Promise<void> {
    this.#log.warn('The embedded PostgreSQL has gone away; bringing it back ...');
    for (let wait = 500; !this.#isStopping(); wait = Math.min(wait * 2, 10_000)) {
      try {
        const { started } = await this.start(port);
        this.#log.info(`The embedded PostgreSQL is ${started ? 'started again' : 'back'}.`);
        return;
      } catch (error) {
        if (this.#isStopping()) return;
        this.#log.error(`The embedded PostgreSQL does not come back: ${messageOf(error)}`);
        await pause(wait);
      }
    }
  }

  async stop(deadlineMs: number): Promise<boolean> {
    this.#stopping.abort();
    await this.#revival;
    const keeper = this.#keeper;
    if (!keeper) return false;
    try {
      return await this.#isLast(keeper) && await this.#end(deadlineMs);
    } finally {
      await keeper.end().catch(() => undefined);
    }
  }

  /** Whoever comes now waits for the lock that we got, is thrown out with us, and starts the server anew. */
  async #isLast(keeper: pg.Client): Promise<boolean> {
    const key = [LOCK_CLASS, LOCK.embeddedServer];
    await keeper.query('SELECT pg_advisory_unlock_shared($1, $2)', key);
    const { rows: [row] } = await keeper.query<{ last: boolean }>('SELECT pg_try_advisory_lock($1, $2) AS last', key);
    if (row?.last !== true) this.#log.info('The embedded PostgreSQL keeps running: another process uses it.');
    return row?.last === true;
  }

  async #end(deadlineMs: number): Promise<boolean> {
    const server = await findPostmaster(this.#cluster.data);
    const gone = !server || await endPostmaster(this.#cluster.data, server.pid, deadlineMs);
    if (!gone) this.#log.error(`The embedded PostgreSQL (process ${server.pid}) does not stop.`);
    return gone;
  }
}
