/** Messages as their receivers take them: Slack's blocks, a card for Teams, and signed webhooks (Standard Webhooks). */
import { createHmac, randomBytes } from 'node:crypto';
import { AddressError, type AddressGuard } from './addresses.ts';
import { requestPinned } from './pinned-request.ts';
import { messageOf } from '../core/values.ts';

export interface ChannelMessage {
  /** `webhook-id`: the same at each try. */
  id: string;
  title: string;
  body: string;
  /** Where people read on; absolute. */
  link: string;
  /** Body of webhooks. */
  event: object;
}

export interface Receiver {
  type: 'webhook' | 'slack' | 'teams';
  url: string;
  /** `whsec_...`, the present one first; none for Slack and Teams. */
  secrets: readonly string[];
}

export interface Answer {
  isDelivered: boolean;
  /** Null where there was none. */
  status: number | null;
  /** In words for the channel's owner, without secrets; null where it was delivered. */
  error: string | null;
  /** Seconds. */
  retryAfter: number | null;
}

const ANSWER_MS = 10_000;
/** Slack's limit for a header is 150 characters, for a text 3,000. */
const SLACK_TITLE = 150;

/** 256 bits. */
export const newWebhookSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`;

/** One try. Never throws. @param now milliseconds since 1970 */
export async function sendToChannel({ type, url, secrets }: Receiver, message: ChannelMessage, guard: AddressGuard, now: number): Promise<Answer> {
  const payload = JSON.stringify(type === 'webhook' ? message.event : type === 'slack' ? slackMessage(message) : teamsMessage(message));
  const signed = type === 'webhook' ? signatures(secrets, message.id, Math.floor(now / 1000), payload) : {};
  const signal = AbortSignal.timeout(ANSWER_MS);
  try {
    const target = new URL(url);
    const addresses = await guard.resolve(target.hostname);
    const { status, headers } = await requestPinned(target, {
      method: 'POST', headers: { 'User-Agent': 'sca-portal', 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(payload), ...signed }, addresses, payload, maxBytes: 0, signal,
    });
    const after = headers['retry-after'];
    const retryAfter = after !== undefined && /^\d{1,9}$/.test(after) ? Number(after) : null;
    return status >= 200 && status < 300 ? { isDelivered: true, status, error: null, retryAfter: null } : { isDelivered: false, status, error: `The receiver answered ${status}.`, retryAfter };
  } catch (error) {
    return { isDelivered: false, status: null, error: signal.aborted ? `The receiver did not answer within ${ANSWER_MS / 1000} seconds.` : faultOf(error), retryAfter: null };
  }
}

const faultOf = (error: unknown): string => (error instanceof AddressError ? error.message : `The receiver does not answer (${messageOf(error).slice(0, 200)}).`);

/** @param timestamp seconds since 1970 */
export function signatures(secrets: readonly string[], id: string, timestamp: number, payload: string): Record<string, string> {
  const sign = (secret: string): string => `v1,${createHmac('sha256', Buffer.from(secret.slice('whsec_'.length), 'base64')).update(`${id}.${timestamp}.${payload}`).digest('base64')}`;
  return { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': secrets.map(sign).join(' ') };
}

/** Plain texts only: nothing in them is read as a mention or a link. */
function slackMessage({ title, body, link }: ChannelMessage): object {
  const plain = (text: string): object => ({ type: 'plain_text', text, emoji: false });
  return {
    text: escapeSlack(title),
    blocks: [
      { type: 'header', text: plain(title.slice(0, SLACK_TITLE)) },
      ...(body === '' ? [] : [{ type: 'section', text: plain(body) }]),
      { type: 'actions', elements: [{ type: 'button', text: plain('Open in the portal'), url: link }] },
    ],
  };
}

const escapeSlack = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** Text runs, which know no Markdown. */
function teamsMessage({ title, body, link }: ChannelMessage): object {
  const block = (text: string, style: object): object => ({ type: 'RichTextBlock', inlines: [{ type: 'TextRun', text, ...style }] });
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json', type: 'AdaptiveCard', version: '1.4', msteams: { width: 'Full' }, fallbackText: title,
    body: [block(title, { size: 'Large', weight: 'Bolder' }), ...(body === '' ? [] : [block(body, {})])],
    actions: [{ type: 'Action.OpenUrl', title: 'Open in the portal', url: link }],
  };
  return { type: 'message', attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content }] };
}
