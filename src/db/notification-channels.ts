/** Rows of notification_channels. */
import { sql, type RawBuilder } from 'kysely';
import type { components } from '../../generated/api.ts';
import type { PageRequest } from '../core/page.ts';
import type { Db, Tx } from './connect.ts';
import { orderAndPage, where } from './paging.ts';

export type ChannelRow = components['schemas']['NotificationChannel'];
export type ChannelType = ChannelRow['type'];
export type ChannelScope = ChannelRow['scope'];
type Kind = components['schemas']['NotificationKind'];

const COLUMNS = sql`c.id, c.type, c.scope, c.team_id, c.user_id, c.name, c.url, c.kinds, c.is_enabled, c.disabled_reason, c.failures, c.failing_since, c.last_success_at,
  CASE WHEN c.former_secret_until > now() THEN c.former_secret_until END AS former_secret_until, c.created_by_user_id, c.version, c.created_at, c.updated_at`;
const SORTABLE = { name: sql`c.name`, type: sql`c.type`, scope: sql`c.scope`, failing_since: sql`c.failing_since`, created_at: sql`c.created_at` };

/** Whose channels somebody manages: their own, those of these teams, and those of the organisation with all teams for a super admin. */
export interface ChannelManager {
  userId: string;
  adminTeamIds: readonly string[];
  isSuperAdmin: boolean;
}
const managed = ({ userId, adminTeamIds, isSuperAdmin }: ChannelManager): RawBuilder<unknown> =>
  (isSuperAdmin ? sql`(c.user_id IS NULL OR c.user_id = ${userId})` : sql`(c.user_id = ${userId} OR c.team_id = ANY(${adminTeamIds}::uuid[]))`);

export interface ChannelFilters {
  type?: ChannelType | undefined;
  scope?: ChannelScope | undefined;
  teamId?: string | undefined;
  isEnabled?: boolean | undefined;
}

export async function listChannels(db: Db, manager: ChannelManager, { type, scope, teamId, isEnabled }: ChannelFilters, page: PageRequest): Promise<{ items: ChannelRow[]; total: number }> {
  const matching = sql`FROM notification_channels c ${where([
    managed(manager), ...(type === undefined ? [] : [sql`c.type = ${type}`]), ...(scope === undefined ? [] : [sql`c.scope = ${scope}`]), ...(teamId === undefined ? [] : [sql`c.team_id = ${teamId}`]),
    ...(isEnabled === undefined ? [] : [sql`c.is_enabled = ${isEnabled}`])])}`;
  const items = await sql<ChannelRow>`SELECT ${COLUMNS} ${matching} ${orderAndPage(page, SORTABLE, sql`c.id`)}`.execute(db);
  const total = await sql<{ total: number }>`SELECT count(*)::int AS total ${matching}`.execute(db);
  return { items: items.rows, total: total.rows[0]?.total ?? 0 };
}

/** Undefined where there is none that the manager manages. */
export async function findChannel(db: Db, manager: ChannelManager, id: string): Promise<ChannelRow | undefined> {
  return (await sql<ChannelRow>`SELECT ${COLUMNS} FROM notification_channels c WHERE c.id = ${id} AND ${managed(manager)}`.execute(db)).rows[0];
}

export interface NewChannel {
  type: ChannelType;
  scope: ChannelScope;
  teamId: string | null;
  userId: string | null;
  name: string;
  urlSealed: Buffer;
  url: string;
  secretSealed: Buffer | null;
  kinds: readonly Kind[];
  createdByUserId: string;
}

/** Its id; undefined where its scope has `max` already. */
export async function insertChannel(tx: Tx, channel: NewChannel, max: number): Promise<string | undefined> {
  const { type, scope, teamId, userId, name, urlSealed, url, secretSealed, kinds, createdByUserId } = channel;
  await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`sca-portal:channels:${teamId ?? userId ?? ''}`}, 0))`.execute(tx);
  const { rows } = await sql<{ id: string }>`
    INSERT INTO notification_channels (type, scope, team_id, user_id, name, url_sealed, url, secret_sealed, kinds, created_by_user_id)
    SELECT ${type}, ${scope}, ${teamId}, ${userId}, ${name}, ${urlSealed}, ${url}, ${secretSealed}, ${kinds}::text[], ${createdByUserId}
    WHERE (SELECT count(*) FROM notification_channels c WHERE c.scope = ${scope} AND c.team_id IS NOT DISTINCT FROM ${teamId} AND c.user_id IS NOT DISTINCT FROM ${userId}) < ${max}
    RETURNING id`.execute(tx);
  return rows[0]?.id;
}

/** The former secret signs as well for `graceSeconds`. */
export async function replaceChannelSecret(tx: Tx, id: string, sealed: Buffer, graceSeconds: number): Promise<void> {
  await sql`
    UPDATE notification_channels SET former_secret_sealed = CASE WHEN ${graceSeconds} > 0 THEN secret_sealed END, former_secret_until = CASE WHEN ${graceSeconds} > 0 THEN now() + ${graceSeconds} * interval '1 second' END,
      secret_sealed = ${sealed}, version = version + 1, updated_at = now() WHERE id = ${id}`.execute(tx);
}

/** Was there one? Its deliveries go with it. */
export async function deleteChannel(tx: Tx, id: string): Promise<boolean> {
  const { numAffectedRows = 0n } = await sql`DELETE FROM notification_channels WHERE id = ${id}`.execute(tx);
  return numAffectedRows > 0n;
}
