/** Messages to the channel of somebody who may no longer see what they speak of. */
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { log, newChannel, startChannels } from '../support/channels.ts';
import type { ContractClient } from '../support/contract.ts';
import { startReceiver } from '../support/receiver.ts';
import { newUser } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { db, admin, anonymous, database, settled, team, later } = await startChannels();

const retries = suite('retries');
retries('what a user may no longer see is not sent to the channel of that user, nor tried again: a dead letter that says so', async () => {
  const { lead, project } = await team();
  const developer = await newUser(anonymous, database, 'developer', lead.teamId);
  const receiver = await startReceiver();
  const own = async (client: ContractClient): Promise<string> => (await newChannel(client, { type: 'slack', scope: 'user', url: receiver.url })).id;
  const channels = [await own(developer.client), await own(lead.client)] as const;
  const said = (channelId: string): Promise<unknown> => sql`
    WITH said AS (INSERT INTO channel_messages (kind, title, body, link, event) VALUES ('gate_changed', 'A title', 'A body', '/x', ${JSON.stringify({ type: 'gate.changed', data: { project: { id: project } } })}::jsonb) RETURNING id)
    INSERT INTO channel_deliveries (channel_id, message_id, kind) SELECT ${channelId}, id, 'gate_changed' FROM said`.execute(db);
  receiver.answers.push({ status: 500 });
  await said(channels[0]);
  await later(channels[0]);
  assert.is(receiver.received.length, 1);
  await admin.expect(200, 'removeAdminTeamMember', { path: { id: lead.teamId, user_id: developer.id } });
  for (let more = 0; more < 9; more += 1) await said(channels[0]);
  await said(channels[1]);
  await later(channels[0]);
  await settled();
  const entries = await log(developer.client, channels[0]);
  assert.equal([receiver.received.length, entries.length], [2, 10]);
  assert.ok(entries.every((one) => one['state'] === 'failed' && String(one['error']).startsWith('Not sent:') && one['delivered_at'] === null), JSON.stringify(entries[0]));
  assert.equal(entries.map((one) => one['attempts']).sort(), [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
  assert.is((await log(lead.client, channels[1]))[0]?.['state'], 'delivered');
  await admin.expect(200, 'addAdminTeamMember', { path: { id: lead.teamId }, json: { user_id: developer.id, role: 'developer' } });
  await developer.client.expect(202, 'resendNotificationDelivery', { path: { id: channels[0], delivery_id: String(entries[0]?.['id']) } });
  await later(channels[0]);
  await settled();
  assert.is(receiver.received.length, 3);
});
