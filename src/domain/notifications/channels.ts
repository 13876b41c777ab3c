/** Channels: where notifications go beside the portal and its mail, and what they were sent. */
import type { components } from '../../../generated/api.ts';
import { DomainError, notFound } from '../../core/errors.ts';
import type { Page, PageRequest } from '../../core/page.ts';
import { findDelivery, giveUpPending, listDeliveryLog, requeueDelivery, type DeliveryLogRow } from '../../db/channel-deliveries.ts';
import type { Db } from '../../db/connect.ts';
import { deleteChannel, findChannel, insertChannel, listChannels, replaceChannelSecret, type ChannelFilters, type ChannelManager, type ChannelRow, type ChannelType } from '../../db/notification-channels.ts';
import { findScope } from '../../db/scopes.ts';
import { inTransaction } from '../../db/transaction.ts';
import { updateVersioned } from '../../db/versioned.ts';
import { newWebhookSecret } from '../../integrations/channel-message.ts';
import { audit } from '../audit.ts';
import type { Context } from '../context.ts';
import { acceptOutsideUrl } from '../outside-url.ts';
import { signedIn } from '../signed-in.ts';
import { expectVersion } from '../versions.ts';
import { sendTest } from './send.ts';

type Draft = components['schemas']['NotificationChannelCreate'];
type Patch = components['schemas']['NotificationChannelUpdate'];
export type CreatedChannel = ChannelRow & { secret: string | null };

const MAX_CHANNELS = 50;
const ALL_KINDS: readonly components['schemas']['NotificationKind'][] = ['cve_detected', 'scan_completed', 'scan_failed', 'gate_changed', 'approval_pending', 'approval_state_changed', 'disk_pressure', 'backup_failed'];

function managerOf(context: Context): ChannelManager {
  const { userId, isSuperAdmin, memberships } = signedIn(context);
  return { userId, isSuperAdmin, adminTeamIds: [...memberships].filter(([, role]) => role === 'team_admin').map(([teamId]) => teamId) };
}

export async function listManagedChannels(context: Context, filters: ChannelFilters, page: PageRequest): Promise<Page<ChannelRow>> {
  return { ...(await listChannels(context.db, managerOf(context), filters, page)), limit: page.limit, offset: page.offset };
}

/** Throws not-found, also for a channel that the caller does not manage. */
export async function getChannel(context: Context, id: string, db: Db = context.db): Promise<ChannelRow> {
  const channel = await findChannel(db, managerOf(context), id);
  if (channel === undefined) throw notFound('The channel');
  return channel;
}

/** Throws forbidden, validation-failed, conflict (too many). */
export async function createChannel(context: Context, draft: Draft): Promise<CreatedChannel> {
  const { type, scope, name, kinds = ALL_KINDS, team_id: teamId = null } = draft;
  const manager = managerOf(context);
  if ((scope === 'team') !== (teamId !== null)) throw invalid('/team_id', scope === 'team' ? "is missing, with scope 'team'" : `does not go with scope '${scope}'`);
  if (scope === 'user' && type === 'webhook') throw invalid('/type', "is slack or teams, with scope 'user'");
  if (scope === 'organization' && !manager.isSuperAdmin) throw new DomainError('forbidden', 'A channel of the organisation takes a super admin. Ask one, or make one of your team or your own.');
  if (teamId !== null && !(await mayManageTeam(context, manager, teamId))) throw new DomainError('forbidden', 'A channel of a team takes an admin of that team. Ask one, or make one of your own.');
  const secret = type === 'webhook' ? newWebhookSecret() : null;
  return inTransaction(context.db, async (tx) => {
    const id = await insertChannel(tx, {
      type, scope, teamId, userId: scope === 'user' ? manager.userId : null, name: name.trim(), ...sealedUrl(context, type, draft.url), secretSealed: secret === null ? null : context.vault.seal(secret), kinds, createdByUserId: manager.userId,
    }, MAX_CHANNELS);
    if (id === undefined) throw new DomainError('conflict', `There are ${MAX_CHANNELS} channels, which is the most. Remove those that are no longer needed.`);
    const channel = await getChannel(context, id, tx);
    await audit(tx, context, { action: 'create', table: 'notification_channels', id, teamId, diff: { type, scope, name: channel.name, url: channel.url, kinds } });
    return { ...channel, secret };
  });
}

/** A super admin may name any team, but one that is there. */
const mayManageTeam = async ({ db }: Context, { isSuperAdmin, adminTeamIds }: ChannelManager, teamId: string): Promise<boolean> =>
  (isSuperAdmin ? (await findScope(db, 'team', teamId)) !== undefined : adminTeamIds.includes(teamId));

/** Throws not-found, precondition-required, precondition-failed, validation-failed. */
export async function updateChannel(context: Context, id: string, ifMatch: number | null, patch: Patch): Promise<ChannelRow> {
  const before = await getChannel(context, id);
  const version = expectVersion(ifMatch, before.version);
  const { urlSealed, url } = patch.url === undefined ? {} : sealedUrl(context, before.type, patch.url);
  const anew = patch.is_enabled === true || url !== undefined ? { disabled_reason: null, failures: 0, failing_since: null, retry_at: null } : {};
  return inTransaction(context.db, async (tx) => {
    const outcome = await updateVersioned(tx, 'notification_channels', id, version, { name: patch.name?.trim(), kinds: patch.kinds, is_enabled: patch.is_enabled, url_sealed: urlSealed, url, ...anew });
    if (outcome.state === 'gone') throw notFound('The channel');
    if (outcome.state === 'stale') expectVersion(ifMatch, outcome.version);
    if (patch.is_enabled === false) await giveUpPending(tx, id);
    await audit(tx, context, { action: 'update', table: 'notification_channels', id, teamId: before.team_id, diff: { ...patch, url } });
    return getChannel(context, id, tx);
  });
}

/** Throws not-found. */
export async function removeChannel(context: Context, id: string): Promise<void> {
  const channel = await getChannel(context, id);
  await inTransaction(context.db, async (tx) => {
    if (!(await deleteChannel(tx, id))) throw notFound('The channel');
    await audit(tx, context, { action: 'delete', table: 'notification_channels', id, teamId: channel.team_id, diff: { type: channel.type, name: channel.name, url: channel.url } });
  });
}

/** Throws not-found, conflict (no secret). */
export async function rotateChannelSecret(context: Context, id: string, graceSeconds: number): Promise<CreatedChannel> {
  const channel = await getChannel(context, id);
  if (channel.type !== 'webhook') throw new DomainError('conflict', 'Slack and Teams have no secret. Where the URL has leaked, make a new one there and set it here.');
  const secret = newWebhookSecret();
  return inTransaction(context.db, async (tx) => {
    await replaceChannelSecret(tx, id, context.vault.seal(secret), graceSeconds);
    await audit(tx, context, { action: 'update', table: 'notification_channels', id, teamId: channel.team_id, diff: { secret, grace_seconds: graceSeconds } });
    return { ...(await getChannel(context, id, tx)), secret };
  });
}

/** Throws not-found. */
export async function testChannel(context: Context, id: string): Promise<DeliveryLogRow> {
  const channel = await getChannel(context, id);
  const delivery = await sendTest(context, channel);
  await audit(context.db, context, { action: 'create', table: 'channel_deliveries', id: delivery.id, teamId: channel.team_id, diff: { channel_id: id, state: delivery.state } });
  return delivery;
}

/** Throws not-found. */
export async function listChannelDeliveries(context: Context, id: string, filters: { states: readonly string[] | undefined; kind: string | undefined }, page: PageRequest): Promise<Page<DeliveryLogRow>> {
  const channel = await getChannel(context, id);
  return { ...(await listDeliveryLog(context.db, channel.id, filters, page)), limit: page.limit, offset: page.offset };
}

/** Throws not-found, conflict. */
export async function resendDelivery(context: Context, channelId: string, id: string): Promise<DeliveryLogRow> {
  const channel = await getChannel(context, channelId);
  if (!channel.is_enabled) throw new DomainError('conflict', 'The channel is off. Switch it on first: PATCH it with is_enabled.');
  return inTransaction(context.db, async (tx) => {
    const delivery = await findDelivery(tx, channelId, id);
    if (delivery === undefined) throw notFound('The delivery');
    if (delivery.kind === 'test') throw new DomainError('conflict', 'A test is not sent again. Send another one: POST /v1/notification-channels/{id}/test.');
    await requeueDelivery(tx, id);
    await context.enqueue(tx, 'send-messages', {});
    await audit(tx, context, { action: 'update', table: 'channel_deliveries', id, teamId: channel.team_id, diff: { state: [delivery.state, 'pending'] } });
    return (await findDelivery(tx, channelId, id)) ?? delivery;
  });
}

const invalid = (pointer: string, message: string): DomainError => new DomainError('validation-failed', `${pointer} ${message}.`, { errors: [{ pointer, message }] });

/** Of Slack and Teams whoever has the URL may write there: the host alone is shown. */
function sealedUrl(context: Context, type: ChannelType, text: string): { urlSealed: Buffer; url: string } {
  const url = acceptOutsideUrl(context, text, '/url', { query: true });
  return { urlSealed: context.vault.seal(url.href), url: type === 'webhook' ? `${url.origin}${url.pathname}` : `${url.origin}/...` };
}
