/** The portal that is fuzzed, with two teams' rows in it, a caller of every kind, and the means to put callers right again. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { sql } from 'kysely';
import { pino } from 'pino';
import { loadConfig } from '../../../src/config.ts';
import { importAdvisories } from '../../../src/domain/advisories/import.ts';
import { startPortal } from '../../../src/portal.ts';
import { issueKey } from '../api-keys.ts';
import { ContractClient, member } from '../contract.ts';
import { createTestDatabase, type TestDatabase } from '../database.ts';
import { cycloneDx, sbomForm, SMALL_SBOM, tarGz } from '../fixtures.ts';
import { ADMIN } from '../portal.ts';
import { newUser, scanToEnd } from '../scans.ts';
import { atEnd } from '../suite.ts';
import { watchChanges, WATCHED_NAME } from './changes.ts';
import type { Caller } from './drafts.ts';
import type { Pools } from './tokens.ts';
import { closeConnections, type Files } from './wire.ts';

export interface World {
  url: string;
  database: TestDatabase;
  dataDir: string;
  /** Lines of level error that API and worker logged since the last look. */
  takeErrors: () => string[];
  /** A super admin that the fuzz does not act as. */
  root: ContractClient;
  tokens: ReadonlyMap<Caller, string | null>;
  clients: ReadonlyMap<Caller, ContractClient>;
  files: Files;
  teamId: string;
  pools: () => Promise<Pools>;
  /** Gives callers back what a request took from them: sessions, roles, keys; teams and projects are made anew. */
  heal: () => Promise<void>;
}

const ADVISORIES = fileURLToPath(new URL('../../../data/advisories', import.meta.url));

export async function startWorld(): Promise<World> {
  const database = await createTestDatabase();
  const dataDir = await mkdtemp(path.join(tmpdir(), 'sca-portal-fuzz-'));
  const errors: string[] = [];
  const log = pino({ level: 'error' }, { write: (line) => void errors.push(line) });
  const start = (name: string, parts: { api: boolean; worker: boolean }) => {
    const url = new URL(database.url);
    url.searchParams.set('application_name', name);
    return startPortal(loadConfig({
      PORT: '0', DATA_DIR: dataDir, DATABASE_URL: url.href, ADMIN_EMAIL: ADMIN.email, ADMIN_PASSWORD: ADMIN.password, DATABASE_POOL_SIZE: '6', VULNDB_SYNC: 'off', BACKUP_SCHEDULE: 'off', TRIVY_PATH: '/nonexistent/trivy',
      ALLOW_PRIVATE_ADDRESSES: '127.0.0.0/8,::1', METRICS_TOKEN: 'opens-one-operation',
    }), parts, log);
  };
  const api = await start(WATCHED_NAME, { api: true, worker: false });
  atEnd(async () => { closeConnections(); await api.stop(); await rm(dataDir, { recursive: true, force: true }); });
  const worker = await start('fuzz worker', { api: false, worker: true });
  atEnd(() => worker.stop());
  await importAdvisories(worker.services, ADVISORIES, () => undefined);

  const anonymous = new ContractClient(api.url);
  const root = await anonymous.signIn(ADMIN.email, ADMIN.password);
  const superAdmin = await newUser(anonymous, database, 'developer');
  await sql`UPDATE users SET is_super_admin = true WHERE id = ${superAdmin.id}`.execute(database.db);
  const teamAdmin = await newUser(anonymous, database, 'team_admin');
  const { teamId } = teamAdmin;
  const developer = await newUser(anonymous, database, 'developer', teamId);
  const outsider = await newUser(anonymous, database, 'team_admin');
  const expendable = await newUser(anonymous, database, 'developer', teamId); // of pools, for what is done to users
  const hooked = await newUser(anonymous, database, 'team_admin'); // outside of the pools, so that its secret stays
  const hookedProject = String(member((await hooked.client.expect(201, 'createProject', { json: { name: 'Hooked', team_id: hooked.teamId, git_url: 'https://localhost:1/acme/payments.git' } })).body, 'id'));
  const secret = String(member((await hooked.client.expect(200, 'rotateProjectWebhookSecret', { path: { id: hookedProject } })).body, 'secret'));
  const home = await newProjectWithRows(teamAdmin.client, teamId);
  await newProjectWithRows(outsider.client, outsider.teamId);

  const keys = {
    orgKey: await issueKey(root, { scope: 'org' }), teamKey: await issueKey(teamAdmin.client, { scope: 'team', team_id: teamId }), projectKey: await issueKey(developer.client, { scope: 'project', project_id: home }),
    readKey: await issueKey(root, { scope: 'org', allowed_actions: ['project:read'] }), triggerKey: await issueKey(teamAdmin.client, { scope: 'team', team_id: teamId, allowed_actions: ['scan:trigger', 'finding:triage'] }),
    expiredKey: await issueKey(root, { scope: 'org' }),
  };
  await sql`UPDATE api_keys SET expires_at = now() - interval '1 day' WHERE id = ${keys.expiredKey.id}`.execute(database.db);
  await keys.expiredKey.client.isOut();
  const clients = new Map<Caller, ContractClient>([
    ['superAdmin', superAdmin.client], ['teamAdmin', teamAdmin.client], ['developer', developer.client], ['outsider', outsider.client],
    ['orgKey', keys.orgKey.client], ['teamKey', keys.teamKey.client], ['projectKey', keys.projectKey.client], ['readKey', keys.readKey.client], ['triggerKey', keys.triggerKey.client], ['expiredKey', keys.expiredKey.client],
    ['forged', anonymous.as('eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.')], ['nobody', anonymous],
  ]);
  await watchChanges(database.db);

  const people = [{ ...superAdmin, role: 'developer' }, { ...teamAdmin, role: 'team_admin' }, { ...developer, role: 'developer' }, { ...outsider, role: 'team_admin' }, { ...expendable, role: 'developer' }];
  const saved = await keep(database, people.map(({ id }) => id), Object.values(keys).map(({ id }) => id));
  const heal = async (): Promise<void> => {
    await restore(database, saved, people);
    for (const { client, teamId: team } of [teamAdmin, outsider]) {
      const { rows } = await sql`SELECT 1 FROM projects p JOIN findings f ON f.project_id = p.id WHERE p.team_id = ${team} AND p.archived_at IS NULL LIMIT 1`.execute(database.db);
      if (rows.length === 0) await newProjectWithRows(client, team);
    }
  };
  const { body: listed } = await root.expect(200, 'listProjectObligations', { path: { id: home } });
  const obligations = [0, 1, 2].flatMap((place) => [member(listed, 'items', place, 'id')].filter((id) => typeof id === 'string'));
  return {
    url: api.url, database, dataDir, takeErrors: () => errors.splice(0), root, clients, tokens: new Map([...clients].map(([name, { token }]) => [name, token ?? null])), teamId, heal,
    files: await makeFiles(), pools: async () => new Map([...(await readPools(database, [hookedProject, hooked.teamId, hooked.id])), ['secret', [secret]], ['obligation', obligations]]),
  };
}

/** A project with a scan, findings, an approval and a policy. */
async function newProjectWithRows(client: ContractClient, teamId: string): Promise<string> {
  const id = String(member((await client.expect(201, 'createProject', { json: { name: `Fuzz ${crypto.randomUUID()}`, team_id: teamId } })).body, 'id'));
  await scanToEnd(client, id, sbomForm(SMALL_SBOM));
  await scanToEnd(client, id, sbomForm(cycloneDx([{ purl: 'pkg:npm/conditional@1.0.0', license: 'MPL-2.0' }, { purl: 'pkg:npm/lodash@4.17.20', license: 'MIT' }]), { ref: 'conditional' }));
  return id;
}

interface Kept { users: unknown; sessions: unknown; teams: unknown; memberships: unknown; keys: unknown }
const asJson = async (database: TestDatabase, table: string, column: string, ids: readonly string[]): Promise<unknown> =>
  (await sql<{ all: unknown }>`SELECT jsonb_agg(to_jsonb(t)) AS all FROM ${sql.table(table)} t WHERE ${sql.ref(column)} = ANY (${ids}::uuid[])`.execute(database.db)).rows[0]?.all;

async function keep(database: TestDatabase, users: readonly string[], keys: readonly string[]): Promise<Kept> {
  const { rows } = await sql<{ id: string }>`SELECT team_id AS id FROM memberships WHERE user_id = ANY (${users}::uuid[])`.execute(database.db);
  return {
    users: await asJson(database, 'users', 'id', users), sessions: await asJson(database, 'sessions', 'user_id', users), teams: await asJson(database, 'teams', 'id', rows.map(({ id }) => id)),
    memberships: await asJson(database, 'memberships', 'user_id', users), keys: await asJson(database, 'api_keys', 'id', keys),
  };
}

/** Rows that are as they were stay untouched, so that nobody's caches are emptied for nothing. */
async function restore(database: TestDatabase, { users, sessions, teams, memberships, keys }: Kept, people: readonly { id: string }[]): Promise<void> {
  const { db } = database;
  const rows = (table: string, value: unknown) => sql`jsonb_populate_recordset(NULL::${sql.table(table)}, ${JSON.stringify(value)}::jsonb) AS k`;
  await sql`INSERT INTO teams SELECT k.* FROM ${rows('teams', teams)} ON CONFLICT DO NOTHING`.execute(db);
  await sql`UPDATE users u SET is_active = true, is_super_admin = k.is_super_admin, password_hash = k.password_hash FROM ${rows('users', users)}
    WHERE u.id = k.id AND (NOT u.is_active, u.is_super_admin, u.password_hash) IS DISTINCT FROM (false, k.is_super_admin, k.password_hash)`.execute(db);
  await sql`INSERT INTO memberships SELECT k.* FROM ${rows('memberships', memberships)} ON CONFLICT (user_id, team_id) DO UPDATE SET role = excluded.role WHERE memberships.role <> excluded.role`.execute(db);
  await sql`INSERT INTO sessions SELECT k.* FROM ${rows('sessions', sessions)} ON CONFLICT (id) DO UPDATE SET ended_at = NULL, ended_reason = NULL WHERE sessions.ended_at IS NOT NULL`.execute(db);
  await sql`INSERT INTO api_keys SELECT k.* FROM ${rows('api_keys', keys)} WHERE k.project_id IS NULL OR EXISTS (SELECT FROM projects p WHERE p.id = k.project_id)
    ON CONFLICT (id) DO UPDATE SET revoked_at = NULL, expires_at = excluded.expires_at, key_hash = excluded.key_hash, allowed_actions = excluded.allowed_actions
    WHERE (api_keys.revoked_at, api_keys.expires_at, api_keys.key_hash) IS DISTINCT FROM (NULL, excluded.expires_at, excluded.key_hash)`.execute(db);
  await sql`DELETE FROM memberships m WHERE m.user_id = ANY (${people.map(({ id }) => id)}::uuid[]) AND NOT EXISTS (SELECT FROM ${rows('memberships', memberships)} WHERE k.user_id = m.user_id AND k.team_id = m.team_id)`.execute(db);
}

const KINDS: Readonly<Record<string, string>> = {
  project: 'SELECT id::text FROM projects', team: 'SELECT id::text FROM teams', scan: 'SELECT id::text FROM scans', component: 'SELECT id::text FROM components', finding: 'SELECT id::text FROM findings', license_finding: 'SELECT id::text FROM license_findings',
  license_policy: 'SELECT id::text FROM license_policies', approval: 'SELECT id::text FROM approvals', notification: 'SELECT id::text FROM notifications', channel: 'SELECT id::text FROM notification_channels', delivery: 'SELECT id::text FROM channel_deliveries',
  api_key: 'SELECT id::text FROM api_keys', user: 'SELECT id::text FROM users', session: 'SELECT id::text FROM sessions', identity: 'SELECT id::text FROM oauth_identities', restore: 'SELECT id::text FROM restores', backup: 'SELECT name AS id FROM backups',
  vulnerability: 'SELECT DISTINCT v.id::text FROM vulnerabilities v JOIN findings f ON f.vulnerability_id = v.id',
};

const VERSIONED = ['projects', 'teams', 'users', 'license_policies', 'approvals', 'notification_channels', 'findings'];

/** At most 60 of a kind, the oldest, which are of both teams, and the newest; and `version <id>` of each row that has one. */
async function readPools({ db }: TestDatabase, hidden: readonly string[]): Promise<Pools> {
  const parts = Object.entries(KINDS).map(([kind, text]) => sql`SELECT ${sql.lit(kind)} AS kind, array(SELECT id FROM ((SELECT * FROM (${sql.raw(text)}) a ORDER BY id LIMIT 30) UNION (SELECT * FROM (${sql.raw(text)}) b ORDER BY id DESC LIMIT 30)) c WHERE id <> ALL (${hidden}) ORDER BY id) AS ids`);
  const versions = VERSIONED.map((table) => sql`(SELECT 'version ' || id, ARRAY[version::text] FROM ${sql.table(table)} ORDER BY id LIMIT 30) UNION ALL (SELECT 'version ' || id, ARRAY[version::text] FROM ${sql.table(table)} ORDER BY id DESC LIMIT 30)`);
  const { rows } = await sql<{ kind: string; ids: string[] }>`${sql.join([...parts, ...versions], sql` UNION ALL `)}`.execute(db);
  return new Map(rows.map(({ kind, ids }) => [kind, ids]));
}

async function makeFiles(): Promise<Files> {
  const half = SMALL_SBOM.slice(0, SMALL_SBOM.length / 2);
  return [
    Buffer.from(SMALL_SBOM), Buffer.from(half), Buffer.from(await tarGz({ 'package-lock.json': '{"lockfileVersion":3,"packages":{"node_modules/lodash":{"version":"4.17.20"}}}' })),
    Buffer.from('{"@context":"https://openvex.dev/ns/v0.2.0","@id":"https://x.invalid/1","author":"a","timestamp":"2026-01-01T00:00:00Z","version":1,"statements":[{"vulnerability":{"name":"CVE-2021-23337"},"products":[{"@id":"pkg:npm/lodash@4.17.20"}],"status":"not_affected","justification":"vulnerable_code_not_present"}]}'),
    gzipSync(Buffer.alloc(1024)), Buffer.from('<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><bom xmlns="http://cyclonedx.org/schema/bom/1.6">&b;</bom>'), Buffer.from(await tarGz({ 'manifest.json': '{}' })),
  ];
}
