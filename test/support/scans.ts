/** Steps that many tests share: a project, a scan to its end, a user with a role. */
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { hashPassword } from '../../src/domain/auth/passwords.ts';
import { member, type ContractClient } from './contract.ts';
import type { TestDatabase } from './database.ts';
import { cycloneDx, sbomForm } from './fixtures.ts';
import { authFrame, watch } from './live.ts';

export async function newProject(client: ContractClient, fields: Record<string, unknown> = {}): Promise<string> {
  const { body } = await client.expect(201, 'createProject', { json: { name: `Project ${crypto.randomUUID()}`, ...fields } });
  return String(member(body, 'id'));
}

/** Queues a scan and follows it to its last frame; returns its id. */
export async function scanToEnd(client: ContractClient, projectId: string, form: FormData): Promise<{ id: string; status: string }> {
  const { body, headers } = await client.expect(202, 'createScan', { path: { id: projectId }, form });
  const id = String(member(body, 'id'));
  assert.is(headers.get('Location'), `/v1/scans/${id}`);
  const { frames, code } = await watch(client.baseUrl, `/ws/scans/${id}`, authFrame(client.token ?? ''));
  assert.is(code, 1000);
  return { id, status: frames.at(-1)?.step ?? '' };
}

/** A project whose current scan has these components. */
export async function scannedProject(client: ContractClient, ...purls: string[]): Promise<string> {
  const id = await newProject(client);
  await scanToEnd(client, id, sbomForm(cycloneDx(purls.map((purl) => ({ purl })))));
  return id;
}

export interface NewUser {
  id: string;
  email: string;
  teamId: string;
  client: ContractClient;
}

const PASSWORD = 'a long enough passphrase';

/** A user with a role in a team of its own, or in the named one; signed in. */
export async function newUser(anonymous: ContractClient, database: TestDatabase, role: 'developer' | 'team_admin', teamId?: string): Promise<NewUser> {
  const email = `${crypto.randomUUID()}@example.com`;
  const { rows } = await sql<{ id: string }>`INSERT INTO users (email, password_hash) VALUES (${email}, ${await hashPassword(PASSWORD)}) RETURNING id`.execute(database.db);
  const id = rows[0]?.id ?? '';
  const team = teamId ?? (await sql<{ id: string }>`INSERT INTO teams (name, slug) VALUES (${email}, ${crypto.randomUUID()}) RETURNING id`.execute(database.db)).rows[0]?.id ?? '';
  await sql`INSERT INTO memberships (user_id, team_id, role) VALUES (${id}, ${team}, ${role})`.execute(database.db);
  await sql`DELETE FROM rate_limits`.execute(database.db); // tests sign in more often than five times a minute
  return { id, email, teamId: team, client: await anonymous.signIn(email, PASSWORD) };
}

/** A queued scan that no worker knows of. */
export async function queuedScan(database: TestDatabase, projectId: string, ref: string | null = null): Promise<string> {
  const { rows } = await sql<{ id: string }>`INSERT INTO scans (project_id, kind, ref) VALUES (${projectId}, 'sbom', ${ref}) RETURNING id`.execute(database.db);
  return rows[0]?.id ?? '';
}
