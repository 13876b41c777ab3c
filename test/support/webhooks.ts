/** Projects that code hosts send webhooks for. */
import { member, type ContractClient } from './contract.ts';
import type { TestPortal } from './portal.ts';
import { newProject, newUser } from './scans.ts';

/** Of no server. */
export const someRepository = (): string => `https://git.invalid/acme/${crypto.randomUUID()}.git`;

/** A project's new secret. */
export async function newSecret(client: ContractClient, id: string): Promise<string> {
  return String(member((await client.expect(200, 'rotateProjectWebhookSecret', { path: { id } })).body, 'secret'));
}

/** A project of a team of its own, with a secret. */
export async function hookedProject({ admin, anonymous, database }: TestPortal, url = someRepository(), fields: object = {}): Promise<{ id: string; url: string; secret: string }> {
  const id = await newProject(admin, { git_url: url, team_id: (await newUser(anonymous, database, 'team_admin')).teamId, ...fields });
  return { id, url, secret: await newSecret(admin, id) };
}
