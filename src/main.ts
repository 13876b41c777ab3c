/** `npm start`: the bare server. Reads the environment, starts the parts that ROLE names, and stops in order on SIGINT or SIGTERM. */
import { setFlagsFromString } from 'node:v8';
import { pino, type Logger } from 'pino';
import { ConfigError, loadConfig, type Config } from './config.ts';
import { messageOf } from './core/values.ts';
import { startPortal, type Portal } from './portal.ts';
import { superviseWorker, WORKER_HEAP_FLAG } from './worker-process.ts';

export interface Running {
  portal: Portal;
  stop: () => Promise<void>;
}

/** Starts what ROLE says. @param workerOutput file descriptor for the log of the worker process; ours where there is none */
export async function run(config: Config, log: Logger, workerOutput?: number): Promise<Running> {
  const portal = await startPortal(config, { api: config.ROLE !== 'worker', worker: config.ROLE === 'worker' }, log);
  const worker = config.ROLE === 'both' ? superviseWorker({ DATABASE_URL: portal.databaseUrl, DATA_DIR: config.DATA_DIR }, log, workerOutput) : null;
  return {
    portal,
    stop: async () => {
      await worker?.stop(config.SHUTDOWN_TIMEOUT_SECONDS * 1000);
      await portal.stop();
    },
  };
}

async function main(): Promise<void> {
  const config = loadConfig();
  if (config.ROLE === 'worker') setFlagsFromString(WORKER_HEAP_FLAG); // late, but better than not: see there
  const log = pino({ level: config.LOG_LEVEL, redact: { paths: ['req.headers.authorization', 'req.headers.cookie', '*.password', '*.token'], censor: '***' } });
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'unhandled rejection'));
  const running = await run(config, log);
  const { portal } = running;
  if (portal.firstAdmin !== null) announce(portal.firstAdmin.email, portal.firstAdmin.generatedPassword);
  if (portal.metricsPort !== 0) log.info(`metrics at port ${portal.metricsPort}`);
  log.info(config.ROLE === 'worker' ? 'worker ready' : `listening on ${portal.url}`);
  process.send?.({ ready: true }, undefined, undefined, () => undefined); // a parent that has gone meanwhile is told of by 'disconnect'
  let stops = 0;
  const stop = (why: string): void => {
    stops += 1;
    if (stops > 1) return;
    log.info(`stopping: ${why}`);
    running.stop().then(() => process.exit(0), (error: unknown) => {
      log.error({ err: error }, 'stopping failed');
      process.exit(1);
    });
  };
  process.on('SIGINT', () => stop('SIGINT'));
  process.on('SIGTERM', () => stop('SIGTERM'));
  if (process.send !== undefined) process.on('disconnect', () => stop('the parent process is gone'));
}

/** The one time that a password is shown; it is in no log. */
function announce(email: string, password: string | null): void {
  process.stderr.write(`\nThe first admin is ${email}${password === null ? '' : `, password ${password}\nThis is shown once: change it or note it now.`}\n\n`);
}

if (import.meta.main) {
  main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof ConfigError ? error.message : `The portal cannot start: ${messageOf(error)}`}\n`);
    process.exit(1);
  });
}
