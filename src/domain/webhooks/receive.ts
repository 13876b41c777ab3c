/**
 * A delivery of a code host: whose it is, whether it is true, and the scan that it asks for. What came of it is kept with the scan in one transaction, so that a delivery that
 * comes again, or twice at once, starts one scan.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { DomainError, notFound } from '../../core/errors.ts';
import { inTransaction } from '../../db/transaction.ts';
import { claimDelivery, settleDelivery, webhookProjects, type Delivery, type DeliveryStatus, type WebhookProvider } from '../../db/webhooks.ts';
import type { Context } from '../context.ts';
import { normaliseRef } from '../scans/request.ts';
import { outcomeOf, planDelivery, startScan } from './start.ts';
import { githubRepository, githubWish, gitlabRepository, gitlabWish } from './events.ts';

export interface IncomingWebhook {
  provider: WebhookProvider;
  event: string;
  /** Null where the host tells none: a hash of the body stands for it. */
  deliveryId: string | null;
  /** Signature of the body, or the token; null where there is none. */
  proof: string | null;
  /** The body, byte by byte. */
  raw: Buffer;
  payload: unknown;
}

export interface ProjectReceipt {
  projectId: string;
  status: DeliveryStatus | 'duplicate';
  scanId: string | null;
}

export interface Receipt {
  deliveryId: string;
  projects: readonly ProjectReceipt[];
}

/** Throws not-found (a payload without a repository), invalid-webhook-signature. */
export async function receiveWebhook(context: Context, webhook: IncomingWebhook): Promise<Receipt> {
  const { provider, event, payload } = webhook;
  const urls = provider === 'github' ? githubRepository(payload) : gitlabRepository(payload);
  if (urls.length === 0) throw new DomainError('not-found', 'The payload names no repository.');
  const projects = (await webhookProjects(context.db, urls)).filter(({ secrets }) => secrets.filter((sealed) => isTrue(webhook, context.vault.open(sealed))).length > 0);
  if (projects.length === 0) throw new DomainError('invalid-webhook-signature', "No project of this repository has a webhook secret that fits. Compare the secret at the code host with the project's.");
  const wish = provider === 'github' ? githubWish(event, payload) : gitlabWish(event, payload);
  const deliveryId = webhook.deliveryId ?? `sha256:${createHash('sha256').update(webhook.raw).digest('hex').slice(0, 48)}`;
  const wanted = 'scan' in wish ? { ref: normaliseRef(wish.scan.ref), wish: wish.scan } : { ref: null, wish: null };
  const receipts: ProjectReceipt[] = [];
  for (const { id } of projects) receipts.push(await settle(context, { projectId: id, provider, deliveryId, event, ...wanted }, 'ignored' in wish ? wish.ignored : null));
  return { deliveryId, projects: receipts };
}

/** In constant time for proofs of the right length. GitHub signs the bytes, GitLab sends the secret itself. */
function isTrue({ provider, proof, raw }: IncomingWebhook, secret: string): boolean {
  const digest = (value: string): Buffer => createHash('sha256').update(value).digest();
  const expected = provider === 'github' ? `sha256=${createHmac('sha256', secret).update(raw).digest('hex')}` : secret;
  return timingSafeEqual(digest(proof ?? ''), digest(expected));
}

/** One project's part of a delivery. */
async function settle(context: Context, delivery: Delivery, ignored: string | null): Promise<ProjectReceipt> {
  const { projectId, wish } = delivery;
  const plan = wish === null ? null : await planDelivery(context, delivery, wish);
  return inTransaction(context.db, async (tx) => {
    const row = await claimDelivery(tx, delivery);
    if (row === null) return { projectId, status: 'duplicate', scanId: null };
    const outcome = plan === null ? { status: 'ignored' as const, reason: ignored, scanId: null } : outcomeOf(await startScan(tx, context, plan));
    await settleDelivery(tx, row, outcome);
    return { projectId, status: outcome.status, scanId: outcome.scanId };
  });
}

/** As `settle` counts them. */
export const summaryOf = ({ projects }: Receipt): ProjectReceipt => {
  const found = ORDER.flatMap((status) => projects.filter((one) => one.status === status))[0];
  if (found === undefined) throw notFound('The project');
  return found;
};
const ORDER: readonly ProjectReceipt['status'][] = ['enqueued', 'skipped_active_scan', 'skipped_team_at_capacity', 'skipped_disk_full', 'ignored', 'duplicate'];
