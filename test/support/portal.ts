/** A portal of one's own for a test file: real server, real PostgreSQL, a worker in the same process; stopped after the last test. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { loadConfig } from '../../src/config.ts';
import { startPortal, type Portal } from '../../src/portal.ts';
import { ContractClient } from './contract.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { atEnd } from './suite.ts';

export interface TestPortal {
  portal: Portal;
  database: TestDatabase;
  /** Signed in as the super admin. */
  admin: ContractClient;
  /** Nobody. */
  anonymous: ContractClient;
}

export const ADMIN = { email: 'admin@example.com', password: 'correct horse battery staple' };

/** @param environment settings that differ from the defaults */
export async function startTestPortal(environment: Record<string, string> = {}, parts = { api: true, worker: true }, log = pino({ level: process.env['TEST_LOG'] ?? 'silent' })): Promise<TestPortal> {
  const database = await createTestDatabase();
  const dataDir = await mkdtemp(path.join(tmpdir(), 'sca-portal-data-'));
  const config = loadConfig({ PORT: '0', DATA_DIR: dataDir, DATABASE_URL: database.url, ADMIN_EMAIL: ADMIN.email, ADMIN_PASSWORD: ADMIN.password, DATABASE_POOL_SIZE: '6', VULNDB_SYNC: 'off', ...environment });
  const portal = await startPortal(config, parts, log);
  atEnd(async () => {
    await portal.stop();
    await rm(dataDir, { recursive: true, force: true });
  });
  const anonymous = new ContractClient(environment['BASE_URL'] === undefined ? portal.url : `http://127.0.0.1:${portal.port}`);
  return { portal, database, anonymous, admin: await anonymous.signIn(ADMIN.email, ADMIN.password) };
}
