/** A database of one's own for a test file: copied from the migrated template, dropped after the file's last test. */
import { env, pid } from 'node:process';
import pg from 'pg';
import { openDatabase, type Db } from '../../src/db/connect.ts';
import { isRecord } from '../../src/core/values.ts';
import { quietLog, SERVER_VARIABLE, startTestServer, type TestServer } from './server.ts';
import { atEnd } from './suite.ts';

export interface TestDatabase {
  url: string;
  /** Of the server's superuser, in another database. */
  adminUrl: string;
  db: Db;
  pool: pg.Pool;
}

let server: Promise<TestServer> | undefined;
let made = 0;

/** The runner's server, or one of this file's own when it runs alone. */
async function findServer(): Promise<TestServer> {
  const given: unknown = JSON.parse(env[SERVER_VARIABLE] ?? 'null');
  if (isRecord(given) && typeof given['url'] === 'string' && typeof given['adminUrl'] === 'string') return { url: given['url'], adminUrl: given['adminUrl'] };
  const own = await startTestServer();
  atEnd(own.stop);
  return own;
}

/** @param max connections in the pool */
export async function createTestDatabase({ max = 5 }: { max?: number } = {}): Promise<TestDatabase> {
  const { url: template, adminUrl } = await (server ??= findServer());
  made += 1;
  const name = `test_${pid}_${made}`;
  await asAdmin(adminUrl, `CREATE DATABASE ${name} TEMPLATE portal OWNER portal STRATEGY file_copy`);
  const url = new URL(template);
  url.pathname = `/${name}`;
  const { db, pool, close } = openDatabase(url.href, { max, applicationName: `test ${pid}`, log: quietLog });
  atEnd(async () => {
    await close();
    await asAdmin(adminUrl, `DROP DATABASE ${name} WITH (FORCE)`);
  });
  return { url: url.href, adminUrl, db, pool };
}

async function asAdmin(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(statement).finally(() => client.end());
}
