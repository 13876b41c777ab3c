/** The composition root: configuration -> database -> services -> jobs -> HTTP, and all of it down again, each with a deadline. */
import { createServer } from 'node:http';
import { mkdir } from 'node:fs/promises';
import type { Logger } from 'pino';
import { baseUrl, type Config } from './config.ts';
import { createVault } from './core/vault.ts';
import { openDatabase, type Database } from './db/connect.ts';
import { holdPortal, openEmbedded } from './db/embedded.ts';
import { listen, type Listener } from './db/listen.ts';
import { EVICTED_CHANNEL } from './db/live-sockets.ts';
import { migrate } from './db/migrate.ts';
import { PROGRESS_CHANNEL } from './db/scan-states.ts';
import { SIGNING_KEYS_CHANNEL } from './db/signing-keys.ts';
import { DATA_RESTORED_CHANNEL } from './db/backup/settle.ts';
import { ensureFirstAdmin, type FirstAdmin } from './domain/auth/first-admin.ts';
import { createTokenService, DEFAULT_ISSUER } from './domain/auth/tokens.ts';
import type { Services } from './domain/context.ts';
import { sweepWorkspaces } from './domain/scans/sweep.ts';
import { accountPages } from './http/account-pages.ts';
import { resultPages } from './http/result-pages.ts';
import { createApp } from './http/app.ts';
import { ACTOR_CHANNEL, createCaches, SCOPE_CHANNEL, type Caches } from './http/caches.ts';
import { clientAddress } from './http/client-address.ts';
import { createDocumentation } from './http/documentation.ts';
import { handlers } from './http/handlers/index.ts';
import { serveLive, type Live } from './http/live.ts';
import { createPipeline } from './http/pipeline.ts';
import { bodyLimits } from './http/read-body.ts';
import { answerUnreadable } from './http/unreadable.ts';
import { createIdentityProviders } from './integrations/identity/provider.ts';
import { createMailer } from './integrations/mail.ts';
import { masterKey } from './integrations/master-key.ts';
import { keepPresence } from './jobs/presence.ts';
import { startQueue, type Queue } from './jobs/queue.ts';
import { startListening, stopListening } from './listening.ts';
import { serveObserved } from './serve-observed.ts';
import { createTelemetry, tracingOf } from './telemetry/telemetry.ts';

export interface Portal {
  /** The port really listened on; 0 where only jobs run. */
  port: number;
  /** Of the server of a worker process; 0 where there is none. */
  metricsPort: number;
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
  const sessionUrl = config.DATABASE_SESSION_URL ?? databaseUrl;
  await migrate(sessionUrl, { log });
  const role = parts.api && parts.worker ? 'both' : parts.api ? 'api' : 'worker';
  const tracing = await tracingOf(config, role, log);
  if (tracing !== null) shutdown.add('traces', () => tracing.stop());
  const database = openDatabase(databaseUrl, {
    max: config.DATABASE_POOL_SIZE, applicationName: 'sca-portal', log, prepare: config.DATABASE_PREPARE === 'on', ...(tracing === null ? {} : { observe: tracing.statement }),
  });
  shutdown.add('database pool', () => database.close());
  const queue = await startQueue(sessionUrl, parts.worker, config, log, tracing);
  shutdown.add('job queue', () => queue.stop(deadlineMs));
  const address = { port: config.PORT };
  const services = await createServices(config, sessionUrl, database, queue, log, await createTelemetry(config, role, database, tracing), () => baseUrl(config, address.port));
  const firstAdmin = await ensureFirstAdmin(database.db, config);
  if (parts.worker) {
    await sweepWorkspaces(services);
    await queue.work(services);
    const presence = await keepPresence(services);
    shutdown.add('presence of the worker', () => presence.stop());
  }
  const metricsPort = parts.worker && !parts.api && config.METRICS_PORT !== null ? await observe(services, config.METRICS_PORT, shutdown) : 0;
  const port = parts.api ? await serve(config, services, sessionUrl, log, shutdown) : 0;
  if (parts.api) address.port = port;
  return { port, metricsPort, url: baseUrl(config, port), databaseUrl, services, firstAdmin, stop: () => shutdown.run() };
}

async function observe(services: Services, port: number, shutdown: Shutdown): Promise<number> {
  const server = await serveObserved(services, port);
  shutdown.add('metrics server', () => server.stop());
  return server.port;
}

async function startEmbedded(config: Config, log: Logger, shutdown: Shutdown): Promise<string> {
  const embedded = await openEmbedded({ dataDir: config.DATA_DIR, log });
  shutdown.add('embedded database', () => embedded.stop(config.SHUTDOWN_TIMEOUT_SECONDS * 1000));
  const hold = await holdPortal(embedded.url, baseUrl(config, config.PORT), log);
  shutdown.add('lock of the data folder', () => hold.release());
  return embedded.url;
}

async function createServices(config: Config, sessionUrl: string, { db }: Database, queue: Queue, log: Logger, telemetry: Services['telemetry'], publicUrl: () => string): Promise<Services> {
  const vault = createVault(await masterKey(config));
  const now = (): Date => new Date();
  const issuer = config.BASE_URL === null ? DEFAULT_ISSUER : baseUrl(config, config.PORT);
  return {
    config, db, sessionUrl, log, telemetry, now, vault, publicUrl, mailer: createMailer(config), enqueue: queue.enqueue, tokens: await createTokenService(db, vault, now, issuer),
    identityProviders: createIdentityProviders(config.IDENTITY_PROVIDERS, config.OAUTH_TIMEOUT_SECONDS),
  };
}

async function serve(config: Config, services: Services, sessionUrl: string, log: Logger, shutdown: Shutdown): Promise<number> {
  const state = { stopping: false };
  const caches = createCaches(services);
  const addressOf = clientAddress(config.TRUSTED_PROXIES);
  const limits = bodyLimits(config);
  const app = createApp({
    log, telemetry: services.telemetry, corsOrigins: config.CORS_ORIGINS, addressOf, limits: { 'forgot-password': config.PASSWORD_RESET_RATE_LIMIT }, stopping: () => state.stopping,
    pages: [createDocumentation(), accountPages, resultPages], dispatch: await createPipeline({ services, handlers, caches, limits, stopping: () => state.stopping }),
  });
  const handle = app.callback();
  const server = createServer({ requestTimeout: LONGEST_UPLOAD_MS, headersTimeout: 20_000, keepAliveTimeout: 65_000 }, (request, response) => void handle(request, response));
  server.setTimeout(SILENCE_MS);
  server.on('checkExpectation', (request, response) => void handle(request, response)); // an expectation that is not known may be ignored (RFC 9110, 10.1.1)
  answerUnreadable(server, log);
  const live = serveLive(server, { services, caches, corsOrigins: config.CORS_ORIGINS, addressOf });
  const listener = listenForChanges(sessionUrl, live, caches, services, log);
  shutdown.add('notification channel', () => listener.stop());
  shutdown.add('HTTP server', () => {
    state.stopping = true;
    return stopListening(server, config.SHUTDOWN_TIMEOUT_SECONDS * 1000);
  });
  shutdown.add('live connections', () => live.close());
  services.telemetry.countSockets(() => live.open());
  return startListening(server, config.HOST, config.PORT, 'PORT');
}

function listenForChanges(sessionUrl: string, live: Live, caches: Caches, { tokens }: Services, log: Logger): Listener {
  const state = (listening: boolean): void => {
    caches.listening(listening);
    tokens.keysChanged();
    if (listening) live.resync();
  };
  return listen(sessionUrl, [PROGRESS_CHANNEL, EVICTED_CHANNEL, ACTOR_CHANNEL, SCOPE_CHANNEL, SIGNING_KEYS_CHANNEL, DATA_RESTORED_CHANNEL], {
    onMessage: (channel, payload) => {
      if (channel === DATA_RESTORED_CHANNEL) return state(true); // what is known is of other data
      if (channel === SIGNING_KEYS_CHANNEL) return tokens.keysChanged();
      caches.changed(channel, payload);
      live.heard(channel, payload);
    },
    onState: state,
  }, log);
}
