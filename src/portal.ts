/** The composition root: configuration -> database -> services -> jobs -> HTTP, and all of it down again, each with a deadline. */
import { createServer, type Server } from 'node:http';
import { mkdir } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { Logger } from 'pino';
import { baseUrl, type Config } from './config.ts';
import { createVault } from './core/vault.ts';
import { openDatabase, type Database } from './db/connect.ts';
import { holdPortal, openEmbedded } from './db/embedded.ts';
import { listen, type Listener } from './db/listen.ts';
import { EVICTED_CHANNEL } from './db/live-sockets.ts';
import { migrate } from './db/migrate.ts';
import { PROGRESS_CHANNEL } from './db/scans.ts';
import { SIGNING_KEYS_CHANNEL } from './db/signing-keys.ts';
import { DATA_RESTORED_CHANNEL } from './db/backup/settle.ts';
import { ensureFirstAdmin, type FirstAdmin } from './domain/auth/first-admin.ts';
import { createTokenService, DEFAULT_ISSUER } from './domain/auth/tokens.ts';
import type { Services } from './domain/context.ts';
import { sweepWorkspaces } from './domain/scans/sweep.ts';
import { createApp } from './http/app.ts';
import { ACTOR_CHANNEL, createCaches, SCOPE_CHANNEL, type Caches } from './http/caches.ts';
import { clientAddress } from './http/client-address.ts';
import { createDocumentation } from './http/documentation.ts';
import { handlers } from './http/handlers/index.ts';
import { serveLive, type Live } from './http/live.ts';
import { createPipeline } from './http/pipeline.ts';
import { answerUnreadable } from './http/unreadable.ts';
import { createIdentityProviders } from './integrations/identity/provider.ts';
import { createMailer } from './integrations/mail.ts';
import { masterKey } from './integrations/master-key.ts';
import { keepPresence } from './jobs/presence.ts';
import { startQueue, type Queue } from './jobs/queue.ts';

export interface Portal {
  /** The port really listened on; 0 where only jobs run. */
  port: number;
  /** Where clients reach it, without a trailing slash. */
  url: string;
  databaseUrl: string;
  services: Services;
  /** Set at the first start only. */
  firstAdmin: FirstAdmin | null;
  stop: () => Promise<void>;
}

export interface PortalParts {
  /** Serve requests. */
  api: boolean;
  /** Run jobs in this process. */
  worker: boolean;
}

/** A backup of 10 GB at 3 MB/s. */
const LONGEST_UPLOAD_MS = 3_600_000;
/** A connection on which nothing moves for so long is closed. */
const SILENCE_MS = 180_000;

/** Undoes what was started, last first; one that fails or hangs does not keep the others. */
class Shutdown {
  readonly #steps: { name: string; run: () => Promise<unknown> }[] = [];
  readonly #log: Logger;
  readonly #deadlineMs: number;
  constructor(log: Logger, deadlineMs: number) {
    this.#log = log;
    this.#deadlineMs = deadlineMs;
  }

  add(name: string, run: () => Promise<unknown>): void {
    this.#steps.unshift({ name, run });
  }

  async run(): Promise<void> {
    for (const { name, run } of this.#steps.splice(0)) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_resolve, reject) => {
        timer = setTimeout(() => reject(new Error(`still busy after ${this.#deadlineMs} ms`)), this.#deadlineMs + 1000);
      });
      await Promise.race([run(), late]).catch((error: unknown) => this.#log.warn({ err: error }, `stopping: ${name}`));
      clearTimeout(timer);
    }
  }
}

/** Starts the portal; when something fails, what was started is stopped again and the error goes up. */
export async function startPortal(config: Config, parts: PortalParts, log: Logger): Promise<Portal> {
  const shutdown = new Shutdown(log, config.SHUTDOWN_TIMEOUT_SECONDS * 1000);
  try {
    return await start(config, parts, log, shutdown);
  } catch (error) {
    await shutdown.run();
    throw error;
  }
}

async function start(config: Config, parts: PortalParts, log: Logger, shutdown: Shutdown): Promise<Portal> {
  const deadlineMs = config.SHUTDOWN_TIMEOUT_SECONDS * 1000;
  await mkdir(config.DATA_DIR, { recursive: true });
  const databaseUrl = config.DATABASE_URL ?? (await startEmbedded(config, log, shutdown));
  await migrate(databaseUrl, { log });
  const database = openDatabase(databaseUrl, { max: config.DATABASE_POOL_SIZE, applicationName: 'sca-portal', log, prepare: config.DATABASE_PREPARE === 'on' });
  shutdown.add('database pool', () => database.close());
  const queue = await startQueue(databaseUrl, parts.worker, config, log);
  shutdown.add('job queue', () => queue.stop(deadlineMs));
  const address = { port: config.PORT };
  const services = await createServices(config, databaseUrl, database, queue, log, () => baseUrl(config, address.port));
  const firstAdmin = await ensureFirstAdmin(database.db, config);
  if (parts.worker) {
    await sweepWorkspaces(services);
    await queue.work(services);
    const presence = await keepPresence(services);
    shutdown.add('presence of the worker', () => presence.stop());
  }
  const port = parts.api ? await serve(config, services, databaseUrl, log, shutdown) : 0;
  if (parts.api) address.port = port;
  return { port, url: baseUrl(config, port), databaseUrl, services, firstAdmin, stop: () => shutdown.run() };
}

async function startEmbedded(config: Config, log: Logger, shutdown: Shutdown): Promise<string> {
  const embedded = await openEmbedded({ dataDir: config.DATA_DIR, log });
  shutdown.add('embedded database', () => embedded.stop(config.SHUTDOWN_TIMEOUT_SECONDS * 1000));
  const hold = await holdPortal(embedded.url, baseUrl(config, config.PORT), log);
  shutdown.add('lock of the data folder', () => hold.release());
  return embedded.url;
}

async function createServices(config: Config, databaseUrl: string, { db }: Database, queue: Queue, log: Logger, publicUrl: () => string): Promise<Services> {
  const vault = createVault(await masterKey(config));
  const now = (): Date => new Date();
  const issuer = config.BASE_URL === null ? DEFAULT_ISSUER : baseUrl(config, config.PORT);
  return {
    config, db, databaseUrl, log, now, vault, publicUrl, mailer: createMailer(config), enqueue: queue.enqueue, tokens: await createTokenService(db, vault, now, issuer),
    identityProviders: createIdentityProviders(config.IDENTITY_PROVIDERS, config.OAUTH_TIMEOUT_SECONDS),
  };
}

async function serve(config: Config, services: Services, databaseUrl: string, log: Logger, shutdown: Shutdown): Promise<number> {
  const state = { stopping: false };
  const caches = createCaches(services);
  const limits = { uploadBytes: config.MAX_UPLOAD_BYTES, spoolDir: path.join(config.DATA_DIR, 'spool'), backupBytes: config.BACKUP_MAX_BYTES, backupDir: config.BACKUP_DIR };
  const app = createApp({
    log, corsOrigins: config.CORS_ORIGINS, addressOf: clientAddress(config.TRUSTED_PROXIES), limits: { 'forgot-password': config.PASSWORD_RESET_RATE_LIMIT }, stopping: () => state.stopping,
    documentation: createDocumentation(), dispatch: await createPipeline({ services, handlers, caches, limits, stopping: () => state.stopping }),
  });
  const handle = app.callback();
  const server = createServer({ requestTimeout: LONGEST_UPLOAD_MS, headersTimeout: 20_000, keepAliveTimeout: 65_000 }, (request, response) => void handle(request, response));
  server.setTimeout(SILENCE_MS);
  server.on('checkExpectation', (request, response) => void handle(request, response)); // an expectation that is not known may be ignored (RFC 9110, 10.1.1)
  answerUnreadable(server, log);
  const live = serveLive(server, { services, caches, corsOrigins: config.CORS_ORIGINS });
  const listener = listenForChanges(databaseUrl, live, caches, services, log);
  shutdown.add('notification channel', () => listener.stop());
  shutdown.add('HTTP server', () => {
    state.stopping = true;
    return close(server, config.SHUTDOWN_TIMEOUT_SECONDS * 1000);
  });
  shutdown.add('live connections', () => live.close());
  await open(server, config);
  return portOf(server);
}

function listenForChanges(databaseUrl: string, live: Live, caches: Caches, { tokens }: Services, log: Logger): Listener {
  const state = (listening: boolean): void => {
    caches.listening(listening);
    tokens.keysChanged();
    if (listening) live.resync();
  };
  return listen(databaseUrl, [PROGRESS_CHANNEL, EVICTED_CHANNEL, ACTOR_CHANNEL, SCOPE_CHANNEL, SIGNING_KEYS_CHANNEL, DATA_RESTORED_CHANNEL], {
    onMessage: (channel, payload) => {
      if (channel === DATA_RESTORED_CHANNEL) return state(true); // what is known is of other data
      if (channel === SIGNING_KEYS_CHANNEL) return tokens.keysChanged();
      caches.changed(channel, payload);
      live.heard(channel, payload);
    },
    onState: state,
  }, log);
}

function open(server: Server, { HOST, PORT }: Config): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? new Error(`Port ${PORT} of ${HOST} is in use by another program. Stop it, or set PORT.`) : error);
    });
    server.listen(PORT, HOST, () => resolve());
  });
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** No new connections; requests under way finish; what is left at the deadline is cut. */
async function close(server: Server, deadlineMs: number): Promise<void> {
  const cut = setTimeout(() => server.closeAllConnections(), deadlineMs);
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
  clearTimeout(cut);
}
