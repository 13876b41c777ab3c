/** What channels are sent: the outbox of messages and the log of what came of them. */
import { sql } from 'kysely';
import type { components } from '../../generated/api.ts';
import type { PageRequest } from '../core/page.ts';
import type { Db, Tx } from './connect.ts';
import { toJson } from './json.ts';
import { RECIPIENTS } from './notices.ts';
import type { ChannelType } from './notification-channels.ts';
import { orderAndPage, where } from './paging.ts';
import { mayHear } from './scopes.ts';

export type DeliveryLogRow = components['schemas']['NotificationDelivery'];

/** By which receivers know a message again. */
const MESSAGE_ID = sql`'msg_' || replace(d.message_id::text, '-', '')`;
const COLUMNS = sql`d.id, d.channel_id, ${MESSAGE_ID} AS message_id, d.kind, d.state, d.attempts, CASE WHEN d.state = 'pending' THEN d.next_attempt_at END AS next_attempt_at,
  d.last_attempt_at, d.response_status, d.error, d.duration_ms, d.delivered_at, d.created_at`;
const SORTABLE = { created_at: sql`d.created_at`, last_attempt_at: sql`d.last_attempt_at`, attempts: sql`d.attempts` };

export async function listDeliveryLog(db: Db, channelId: string, filters: { states: readonly string[] | undefined; kind: string | undefined }, page: PageRequest): Promise<{ items: DeliveryLogRow[]; total: number }> {
  const matching = sql`FROM channel_deliveries d ${where([
    sql`d.channel_id = ${channelId}`, ...(filters.states === undefined ? [] : [sql`d.state = ANY(${filters.states})`]), ...(filters.kind === undefined ? [] : [sql`d.kind = ${filters.kind}`])])}`;
  const items = await sql<DeliveryLogRow>`SELECT ${COLUMNS} ${matching} ${orderAndPage(page, SORTABLE, sql`d.id`)}`.execute(db);
  const total = await sql<{ total: number }>`SELECT count(*)::int AS total ${matching}`.execute(db);
  return { items: items.rows, total: total.rows[0]?.total ?? 0 };
}

export async function findDelivery(db: Db, channelId: string, id: string): Promise<DeliveryLogRow | undefined> {
  return (await sql<DeliveryLogRow>`SELECT ${COLUMNS} FROM channel_deliveries d WHERE d.id = ${id} AND d.channel_id = ${channelId}`.execute(db)).rows[0];
}

/** Due at once, with all its tries before it. */
export async function requeueDelivery(tx: Tx, id: string): Promise<void> {
  await sql`UPDATE channel_deliveries SET state = 'pending', attempts = 0, next_attempt_at = now(), delivered_at = NULL WHERE id = ${id}`.execute(tx);
}

/** Which channels want which of these notices: by what they take, and a user's own by the user's preferences. */
export async function wantedNotices(tx: Tx, noticeIds: readonly number[]): Promise<{ notice_id: number; channel_id: string }[]> {
  const { rows } = await sql<{ notice_id: number; channel_id: string }>`
    WITH n AS (
      SELECT n.*, p.team_id FROM notices n LEFT JOIN projects p ON p.id = n.project_id WHERE n.id = ANY(${noticeIds}::bigint[])
    ), recipients AS (${RECIPIENTS(sql`n`)})
    SELECT n.id AS notice_id, c.id AS channel_id FROM n JOIN notification_channels c ON c.is_enabled AND n.kind = ANY(c.kinds) AND (c.scope = 'organization' OR (c.scope = 'team' AND c.team_id = n.team_id))
    UNION ALL
    SELECT r.notice_id, c.id FROM recipients r JOIN users u ON u.id = r.user_id AND u.is_active
    JOIN notification_channels c ON c.user_id = r.user_id AND c.is_enabled AND r.kind = ANY(c.kinds) JOIN notification_preferences q ON q.user_id = r.user_id
    WHERE coalesce((q.kinds -> r.kind ->> (c.type || '_enabled'))::boolean, CASE c.type WHEN 'slack' THEN q.slack_enabled ELSE q.teams_enabled END)`.execute(tx);
  return rows;
}

/** What is said of one notice. */
export interface NewMessage {
  notice_id: number;
  kind: string;
  title: string;
  body: string;
  link: string | null;
  event: object;
}

export async function insertMessages(tx: Tx, messages: readonly NewMessage[], wanted: readonly { notice_id: number; channel_id: string }[]): Promise<void> {
  await sql`
    WITH said AS (
      INSERT INTO channel_messages (notice_id, kind, title, body, link, event)
      SELECT * FROM jsonb_to_recordset(${toJson(messages)}::jsonb) AS t (notice_id bigint, kind text, title text, body text, link text, event jsonb) RETURNING id, notice_id, kind
    )
    INSERT INTO channel_deliveries (channel_id, message_id, kind)
    SELECT w.channel_id, s.id, s.kind FROM said s JOIN jsonb_to_recordset(${toJson(wanted)}::jsonb) AS w (notice_id bigint, channel_id uuid) ON w.notice_id = s.notice_id ORDER BY w.notice_id, w.channel_id`.execute(tx);
}

/** A message for one channel that nothing has happened for; its delivery is begun, so that nobody else sends it. */
export async function insertTestDelivery(tx: Tx, channelId: string, message: Omit<NewMessage, 'notice_id' | 'kind'>, seconds: number): Promise<string> {
  const { rows } = await sql<{ id: string }>`
    WITH said AS (
      INSERT INTO channel_messages (kind, title, body, link, event) VALUES ('test', ${message.title}, ${message.body}, ${message.link}, ${toJson(message.event)}) RETURNING id
    )
    INSERT INTO channel_deliveries (channel_id, message_id, kind, attempts, last_attempt_at, next_attempt_at)
    SELECT ${channelId}, id, 'test', 1, now(), now() + ${seconds} * interval '1 second' FROM said RETURNING id`.execute(tx);
  return rows[0]?.id ?? '';
}

/** A delivery that this process sends now. */
export interface DueDelivery {
  id: string;
  channel_id: string;
  message_id: string;
  attempts: number;
  type: ChannelType;
  url_sealed: Buffer;
  secret_sealed: Buffer | null;
  former_secret_sealed: Buffer | null;
  title: string;
  body: string;
  link: string | null;
  event: object;
  /** Not to be sent, and a dead letter already: the channel's user may not be told this any longer. */
  is_dropped: boolean;
}

const SENDING = sql`d.id, d.channel_id, ${MESSAGE_ID} AS message_id, d.attempts, c.type, c.url_sealed, c.secret_sealed, CASE WHEN c.former_secret_until > now() THEN c.former_secret_sealed END AS former_secret_sealed,
  m.title, m.body, m.link, m.event`;

/** What a message is about; null: the installation. */
const PROJECT = sql`(m.event #>> '{data,project,id}')::uuid`;
const DROPPED = 'Not sent: the user whose channel it is is not active any longer, or may not see what it is about.';

/** A flood for one channel holds up no other, unless so many have one. */
const CHANNELS_AT_ONCE = 50;

/**
 * What is due, a few of each channel, those first that have waited longest. It is due again later, in case this process ends before it has told what came of it.
 * What a channel's user may no longer be told is dropped. @param except channels that have enough to do
 */
export async function claimDueDeliveries(tx: Tx, { limit, perChannel, except }: { limit: number; perChannel: number; except: readonly string[] }): Promise<DueDelivery[]> {
  const { rows } = await sql<DueDelivery>`
    WITH ready AS (
      SELECT c.id FROM notification_channels c
      CROSS JOIN LATERAL (SELECT d.next_attempt_at FROM channel_deliveries d WHERE d.channel_id = c.id AND d.state = 'pending' AND d.next_attempt_at <= now() ORDER BY d.next_attempt_at LIMIT 1) first
      WHERE c.is_enabled AND (c.retry_at IS NULL OR c.retry_at <= now()) AND c.id <> ALL(${except}::uuid[])
      ORDER BY first.next_attempt_at LIMIT ${CHANNELS_AT_ONCE}
    ), due AS (
      SELECT d.id, r.id AS channel_id, d.next_attempt_at FROM ready r
      CROSS JOIN LATERAL (
        SELECT d.id, d.next_attempt_at FROM channel_deliveries d WHERE d.channel_id = r.id AND d.state = 'pending' AND d.next_attempt_at <= now() ORDER BY d.next_attempt_at LIMIT ${perChannel} FOR UPDATE SKIP LOCKED
      ) d
    ), chosen AS (
      SELECT id FROM (SELECT *, row_number() OVER (PARTITION BY channel_id ORDER BY next_attempt_at) AS place FROM due) ranked ORDER BY place, next_attempt_at LIMIT ${limit}
    ), judged AS (
      SELECT d.id, c.user_id IS NULL OR EXISTS (SELECT FROM users u WHERE u.id = c.user_id AND ${mayHear(sql`m.kind`, PROJECT)}) AS may
      FROM chosen JOIN channel_deliveries d ON d.id = chosen.id JOIN notification_channels c ON c.id = d.channel_id JOIN channel_messages m ON m.id = d.message_id
    )
    UPDATE channel_deliveries d SET state = CASE WHEN j.may THEN d.state ELSE 'failed' END, error = CASE WHEN j.may THEN d.error ELSE ${DROPPED} END,
      attempts = d.attempts + j.may::int, last_attempt_at = CASE WHEN j.may THEN now() ELSE d.last_attempt_at END,
      next_attempt_at = now() + (0.75 + random() / 2) * least(14400, 20 * 3 ^ d.attempts) * interval '1 second'
    FROM judged j, notification_channels c, channel_messages m WHERE d.id = j.id AND c.id = d.channel_id AND m.id = d.message_id
    RETURNING ${SENDING}, NOT j.may AS is_dropped`.execute(tx);
  return rows;
}

export async function dueDelivery(db: Db, id: string): Promise<DueDelivery | undefined> {
  const { rows } = await sql<DueDelivery>`
    SELECT ${SENDING}, false AS is_dropped FROM channel_deliveries d JOIN notification_channels c ON c.id = d.channel_id JOIN channel_messages m ON m.id = d.message_id WHERE d.id = ${id}`.execute(db);
  return rows[0];
}

export interface AttemptOutcome {
  isDelivered: boolean;
  /** Null where there was no answer. */
  status: number | null;
  /** In words; null where it was delivered. */
  error: string | null;
  durationMs: number;
  /** Seconds that the receiver asked to be left alone. */
  retryAfter: number | null;
}

/** What came of a try. @param isLast no more of them @param counts does it say something of the channel? A test does not. */
export async function endAttempt(tx: Tx, { id, channel_id: channelId, attempts }: Pick<DueDelivery, 'id' | 'channel_id' | 'attempts'>, outcome: AttemptOutcome, { isLast, counts }: { isLast: boolean; counts: boolean }): Promise<void> {
  const { isDelivered, status, error, durationMs, retryAfter } = outcome;
  const pause = Math.min(retryAfter ?? 0, 3_600);
  await sql`
    UPDATE channel_deliveries SET state = ${isDelivered ? 'delivered' : isLast ? 'failed' : 'pending'}, response_status = ${status}, error = ${error}, duration_ms = ${durationMs},
      delivered_at = CASE WHEN ${isDelivered} THEN now() END, next_attempt_at = greatest(next_attempt_at, now() + ${pause} * interval '1 second')
    WHERE id = ${id} AND attempts = ${attempts} AND state = 'pending'`.execute(tx);
  if (!counts) return;
  await (isDelivered
    ? sql`UPDATE notification_channels SET failures = 0, failing_since = NULL, retry_at = NULL, last_success_at = now() WHERE id = ${channelId}`
    : sql`
      UPDATE notification_channels SET failures = failures + 1, failing_since = coalesce(failing_since, now()),
        retry_at = CASE WHEN ${pause} > 0 THEN now() + ${pause} * interval '1 second' WHEN failures >= 2 THEN now() + least(300, 5 * 2 ^ least(failures, 10)) * interval '1 second' END
      WHERE id = ${channelId}`).execute(tx);
}

/** Switches a channel off that is gone for good or has done nothing but fail for so long; what waits for it is given up. True where it was on. */
export async function disableFailingChannel(tx: Tx, channelId: string, { reason, failingDays }: { reason: string; failingDays: number }): Promise<boolean> {
  const { rows } = await sql`
    UPDATE notification_channels SET is_enabled = false, disabled_reason = ${reason}, version = version + 1, updated_at = now()
    WHERE id = ${channelId} AND is_enabled AND failing_since <= now() - ${failingDays} * interval '1 day' RETURNING id`.execute(tx);
  if (rows.length > 0) await giveUpPending(tx, channelId);
  return rows.length > 0;
}

export async function giveUpPending(tx: Tx, channelId: string): Promise<void> {
  await sql`UPDATE channel_deliveries SET state = 'failed', error = coalesce(error, 'The channel was switched off.') WHERE channel_id = ${channelId} AND state = 'pending'`.execute(tx);
}

/** With their deliveries. */
export async function deleteOldMessages(db: Db, before: Date): Promise<void> {
  await sql`DELETE FROM channel_messages WHERE created_at < ${before}`.execute(db);
}
