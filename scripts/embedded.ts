/**
 * The embedded database by hand. Usage: scripts/node.sh scripts/embedded.ts run | status | stop | prepare
 * run: keeps it up until Ctrl-C and prints its address; status: who uses it; stop: stops one that nobody uses, such as a
 * killed portal leaves; prepare: completes the installed programs, so that node_modules may be read-only later.
 */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { loadConfig } from '../src/config.ts';
import { openEmbedded } from '../src/db/embedded.ts';
import { findBinaries } from '../src/db/embedded/binaries.ts';
import { openCluster } from '../src/db/embedded/cluster.ts';
import { findPostmaster } from '../src/db/embedded/postmaster.ts';
import { messageOf } from '../src/core/values.ts';

const STOP_DEADLINE = 30_000;
const log = { info: console.log, warn: console.warn, error: console.error };
const dataFolder = (): string => loadConfig().DATA_DIR;

async function run(): Promise<void> {
  const { url, stop: letGo } = await openEmbedded({ dataDir: dataFolder(), log });
  console.log(`${url}\nCtrl-C lets go of it.`);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  await letGo(STOP_DEADLINE);
}

async function status(): Promise<void> {
  const dataDir = dataFolder();
  const cluster = existsSync(join(dataDir, 'postgres')) ? await openCluster(dataDir, log) : undefined;
  const server = cluster && await findPostmaster(cluster.data);
  if (!cluster || !server) {
    console.log(`No database runs in ${dataDir}.`);
    return;
  }
  console.log(`PostgreSQL is ${server.status}: process ${server.pid}, port ${server.port}, files in ${cluster.data}`);
  const client = new pg.Client({ host: '127.0.0.1', port: server.port, user: 'portal', password: cluster.access.password, database: 'portal' });
  await client.connect();
  const { rows } = await client.query<{ name: string; count: number }>(
    "SELECT application_name AS name, count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() GROUP BY 1 ORDER BY 1",
  ).finally(() => client.end());
  for (const { name, count } of rows) console.log(`  ${count} × ${name || '(no name)'}`);
}

async function stop(): Promise<void> {
  const dataDir = dataFolder();
  if (!existsSync(join(dataDir, 'postgres'))) return;
  const embedded = await openEmbedded({ dataDir, log });
  if (await embedded.stop(STOP_DEADLINE)) console.log('The database is stopped.');
}

/** A machine without such programs is no fault: it has a DATABASE_URL. */
async function prepare(): Promise<void> {
  await findBinaries().catch((error: unknown) => { console.warn(messageOf(error)); });
}

const verbs = new Map(Object.entries({ run, status, stop, prepare }));
const verb = verbs.get(process.argv[2] ?? '');
if (verb) await verb();
else {
  console.error(`Usage: scripts/node.sh scripts/embedded.ts ${[...verbs.keys()].join(' | ')}`);
  process.exitCode = 2;
}
