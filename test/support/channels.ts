/** A portal with channels, and the steps that tests of them share: making one, queueing for it, sending what is due, and waiting for the jobs. */
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { Webhook } from 'standardwebhooks';
import { sendDueMessages } from '../../src/domain/notifications/send.ts';
import { itemsOf, member, type ContractClient } from './contract.ts';
import { startTestPortal } from './portal.ts';
import type { Received } from './receiver.ts';
import { newProject, newUser } from './scans.ts';

export const never = new AbortController().signal;

interface Channel {
  id: string;
  secret: string;
}

export async function newChannel(client: ContractClient, fields: object): Promise<Channel> {
  const { body } = await client.expect(201, 'createNotificationChannel', { json: { type: 'webhook', scope: 'organization', name: 'Bot', ...fields } });
  return { id: String(member(body, 'id')), secret: String(member(body, 'secret')) };
}
export const channelOf = async (client: ContractClient, id: string): Promise<unknown> => (await client.expect(200, 'getNotificationChannel', { path: { id } })).body;
export const log = async (client: ContractClient, id: string, query: Record<string, string | string[]> = {}): Promise<Record<string, unknown>[]> => {
  return itemsOf((await client.expect(200, 'listNotificationDeliveries', { path: { id }, query })).body);
};
/** Throws where none of the signatures fits. */
export const verify = (secret: string, { raw, headers }: Received): unknown => new Webhook(secret).verify(raw, headers);

export async function startChannels() {
  const { portal, anonymous, database, admin } = await startTestPortal({ ALLOW_PRIVATE_ADDRESSES: '127.0.0.1' });
  const { db } = database;
  const { services } = portal;

  /** Waits until the jobs have told everything that has happened; what has failed stays for later. */
  async function settled(): Promise<void> {
    const deadline = Date.now() + 20_000;
    for (let open = 1; open > 0; ) {
      const { rows } = await sql<{ open: number }>`
        SELECT (SELECT count(*) FROM gate_checks)::int + (SELECT count(*) FROM notices)::int
          + (SELECT count(*) FROM pgboss.job WHERE name IN ('evaluate-gates', 'deliver-notices', 'run-scan', 'send-messages') AND state IN ('created', 'active', 'retry'))::int AS open`.execute(db);
      open = rows[0]?.open ?? 0;
      assert.ok(Date.now() < deadline, 'something is never told');
    }
  }
  async function team() {
    const lead = await newUser(anonymous, database, 'team_admin');
    return { lead, project: await newProject(lead.client, { name: 'Shop', team_id: lead.teamId }) };
  }
  /** Makes what waits due now, as if its pause were over, and sends it. */
  async function later(channelId: string): Promise<void> {
    await sql`UPDATE channel_deliveries SET next_attempt_at = now() WHERE channel_id = ${channelId} AND state = 'pending'`.execute(db);
    await sql`UPDATE notification_channels SET retry_at = NULL WHERE id = ${channelId}`.execute(db);
    await sendDueMessages(services, never);
  }
  /** One message for the channel. */
  async function queued(channelId: string): Promise<string> {
    const { rows } = await sql<{ id: string }>`
      WITH said AS (INSERT INTO channel_messages (kind, title, body, link, event) VALUES ('scan_completed', 'A title', 'A body', '/x', '{"type": "x"}') RETURNING id)
      INSERT INTO channel_deliveries (channel_id, message_id, kind) SELECT ${channelId}, id, 'scan_completed' FROM said RETURNING id`.execute(db);
    return rows[0]?.id ?? '';
  }
  return { anonymous, database, db, admin, services, settled, team, later, queued };
}
