/** Which deliveries a worker takes: a flood for one channel holds up no other, and nothing goes to whom the portal knows no more. */
import { sql } from 'kysely';
import * as assert from 'uvu/assert';
import { claimDueDeliveries } from '../../src/db/channel-deliveries.ts';
import { createTestDatabase } from '../support/database.ts';
import { suite } from '../support/suite.ts';

const { db } = await createTestDatabase();

const test = suite('claimDueDeliveries');
test('takes of every channel what has waited longest, behind whatever flood, and nothing for users who were deactivated', async () => {
  await sql`INSERT INTO users (email, is_active) VALUES ('here@example.com', true), ('gone@example.com', false)`.execute(db);
  await sql`
    INSERT INTO notification_channels (type, scope, user_id, name, url_sealed, url, kinds)
    SELECT 'slack', CASE WHEN u.id IS NULL THEN 'organization' ELSE 'user' END, u.id, n.name, 'x', 'x', '{}' FROM (VALUES ('flooded', NULL), ('quiet', NULL), ('here', 'here@example.com'), ('gone', 'gone@example.com')) AS n (name, email) LEFT JOIN users u ON u.email = n.email`.execute(db);
  await sql`INSERT INTO channel_messages (kind, title, body, event) SELECT 'x', 't', 'b', '{}' FROM generate_series(1, 300)`.execute(db);
  await sql`
    INSERT INTO channel_deliveries (channel_id, message_id, kind, next_attempt_at)
    SELECT c.id, m.id, 'x', now() - interval '1 hour' + m.place * interval '1 second' FROM notification_channels c JOIN (SELECT id, row_number() OVER (ORDER BY id) AS place FROM channel_messages) m ON c.name = 'flooded' OR m.place > 298`.execute(db);
  const names = async (except: readonly string[] = []): Promise<string[]> => {
    const claimed = await db.transaction().execute((tx) => claimDueDeliveries(tx, { limit: 24, perChannel: 4, except }));
    const { rows } = await sql<{ name: string }>`SELECT c.name FROM unnest(${claimed.filter((one) => !one.is_dropped).map(({ channel_id: id }) => id)}::uuid[]) AS t (id) JOIN notification_channels c ON c.id = t.id ORDER BY 1`.execute(db);
    return rows.map(({ name }) => name);
  };
  assert.equal(await names(), ['flooded', 'flooded', 'flooded', 'flooded', 'here', 'here', 'quiet', 'quiet']);
  const { rows: gone } = await sql<{ state: string; attempts: number }>`SELECT DISTINCT d.state, d.attempts FROM channel_deliveries d JOIN notification_channels c ON c.id = d.channel_id WHERE c.name = 'gone'`.execute(db);
  assert.equal(gone, [{ state: 'failed', attempts: 0 }]);
  const { rows } = await sql<{ id: string }>`SELECT id FROM notification_channels WHERE name = 'flooded'`.execute(db);
  assert.equal(await names(rows.map(({ id }) => id)), []);
  const { rows: [first] } = await sql<{ seconds: number }>`SELECT min(extract(epoch FROM next_attempt_at - now() + interval '1 hour'))::int AS seconds FROM channel_deliveries WHERE state = 'pending' AND attempts = 0 AND channel_id = ${rows[0]?.id}`.execute(db);
  assert.ok((first?.seconds ?? 0) <= 6, 'the oldest first');
});
