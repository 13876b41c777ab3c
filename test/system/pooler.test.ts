/** Behind a pooler in transaction mode: what goes by DATABASE_URL must need no session; what does goes by DATABASE_SESSION_URL. Read off the wire. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as assert from 'uvu/assert';
import { pino } from 'pino';
import { loadConfig } from '../../src/config.ts';
import { startPortal } from '../../src/portal.ts';
import { importFiles, osv } from '../support/advisories.ts';
import { ContractClient } from '../support/contract.ts';
import { createTestDatabase } from '../support/database.ts';
import { cycloneDx, sbomForm } from '../support/fixtures.ts';
import { ADMIN } from '../support/portal.ts';
import { newProject, scanToEnd } from '../support/scans.ts';
import { atEnd, suite } from '../support/suite.ts';
import { startWire } from '../support/wire.ts';

/** What a pooler in transaction mode does not carry from one transaction to the next. */
const OF_A_SESSION = [/^\s*(LISTEN|UNLISTEN|PREPARE|DECLARE|LOAD|DISCARD)\b/i, /^\s*SET\s+(?!LOCAL\b|TRANSACTION\b|CONSTRAINTS\b)/i, /pg_(try_)?advisory_lock(_shared)?\s*\(/i, /CREATE\s+TEMP(?![\s\S]*ON COMMIT DROP)/i];

const test = suite('DATABASE_SESSION_URL');
test('carries LISTEN, the locks of migrations and the queue; a whole scan and an import need no session beside it', async () => {
  const { url } = await createTestDatabase();
  const [pooled, session] = [await startWire(url), await startWire(url)];
  const dataDir = await mkdtemp(path.join(tmpdir(), 'sca-portal-pooler-'));
  const portal = await startPortal(loadConfig({
    PORT: '0', DATA_DIR: dataDir, DATABASE_URL: pooled.url, DATABASE_SESSION_URL: session.url, DATABASE_PREPARE: 'off', ADMIN_EMAIL: ADMIN.email, ADMIN_PASSWORD: ADMIN.password,
    DATABASE_POOL_SIZE: '4', VULNDB_SYNC: 'off', METRICS_TOKEN: 'asks-the-database-too',
  }), { api: true, worker: true }, pino({ level: 'silent' }));
  atEnd(async () => {
    await portal.stop();
    await rm(dataDir, { recursive: true, force: true });
  });
  const admin = await new ContractClient(portal.url).signIn(ADMIN.email, ADMIN.password);
  const project = await newProject(admin);
  assert.is((await scanToEnd(admin, project, sbomForm(cycloneDx([{ purl: 'pkg:npm/pooled@1.0.0', license: 'MIT' }])))).status, 'succeeded');
  await importFiles(portal.services, osv({ id: 'GHSA-pooled', name: 'pooled' }));
  for (const operation of ['listProjectComponents', 'listProjectVulnerabilities', 'getProjectReport', 'getProjectSbom'] as const) await admin.call(operation, { path: { id: project } });
  await admin.as('asks-the-database-too').expect(200, 'getMetrics');

  assert.ok(pooled.texts.length > 100, `${pooled.texts.length} statements`);
  assert.equal(pooled.texts.filter((text) => OF_A_SESSION.some((one) => one.test(text))), []);
  assert.equal(pooled.prepared, []);
  assert.equal([...new Set(pooled.startups.flatMap((one) => Object.keys(one)))].sort(), ['application_name', 'client_encoding', 'database', 'user'], 'parameters that PgBouncer takes');
  assert.ok(session.texts.some((text) => text.startsWith('LISTEN')) && session.texts.some((text) => text.includes('pg_try_advisory_lock(')));
  assert.equal([...new Set(session.startups.map((one) => one['application_name']))].sort(), ['sca-portal listener', 'sca-portal migrate', 'sca-portal worker queue']);
});
