/**
 * A delivery of a code host: whose it is, whether it is true, and the scan that it asks for. What came of it is kept with the scan in one transaction, so that a delivery that
 * comes again, or twice at once, starts one scan.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { DomainError, notFound, type ProblemSlug } from '../../core/errors.ts';
import { inTransaction } from '../../db/transaction.ts';
import { claimDelivery, settleDelivery, webhookProjects, type Delivery, type DeliveryStatus, type WebhookProvider } from '../../db/webhooks.ts';
import type { Context } from '../context.ts';
import { getProject } from '../projects/read.ts';
import { planScan, queueScan } from '../scans/create.ts';
import { normaliseRef, type ScanRequest } from '../scans/request.ts';
import { githubRepository, githubWish, gitlabRepository, gitlabWish, type Wish } from './events.ts';

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

const SKIPPED: Partial<Record<ProblemSlug, DeliveryStatus>> = { 'scan-in-progress': 'skipped_active_scan', 'too-many-active-scans': 'skipped_team_at_capacity', 'disk-pressure': 'skipped_disk_full' };
/** Of what cannot be scanned whatever is sent again: an archived project, a ref that git does not allow, a server without git. */
const UNFIT: ReadonlySet<ProblemSlug> = new Set<ProblemSlug>(['project-archived', 'no-scan-source', 'scan-kind-unavailable', 'validation-failed', 'not-found']);

/** Throws not-found (a payload without a repository), invalid-webhook-signature. */
export async function receiveWebhook(context: Context, webhook: IncomingWebhook): Promise<Receipt> {
  const { provider, event, payload } = webhook;
  const urls = provider === 'github' ? githubRepository(payload) : gitlabRepository(payload);
  if (urls.length === 0) throw new DomainError('not-found', 'The payload names no repository.');
  const projects = (await webhookProjects(context.db, urls)).filter(({ secrets }) => secrets.filter((sealed) => isTrue(webhook, context.vault.open(sealed))).length > 0);
  if (projects.length === 0) throw new DomainError('invalid-webhook-signature', "No project of this repository has a webhook secret that fits. Compare the secret at the code host with the project's.");
  const wish = provider === 'github' ? githubWish(event, payload) : gitlabWish(event, payload);
  const deliveryId = webhook.deliveryId ?? `sha256:${createHash('sha256').update(webhook.raw).digest('hex').slice(0, 48)}`;
  const receipts: ProjectReceipt[] = [];
  for (const { id } of projects) receipts.push(await settle(context, { projectId: id, provider, deliveryId, event, ref: 'scan' in wish ? normaliseRef(wish.scan.ref) : null }, wish));
  return { deliveryId, projects: receipts };
}

/** In constant time for proofs of the right length. GitHub signs the bytes, GitLab sends the secret itself. */
function isTrue({ provider, proof, raw }: IncomingWebhook, secret: string): boolean {
  const digest = (value: string): Buffer => createHash('sha256').update(value).digest();
  const expected = provider === 'github' ? `sha256=${createHmac('sha256', secret).update(raw).digest('hex')}` : secret;
  return timingSafeEqual(digest(proof ?? ''), digest(expected));
}

/** One project's part of a delivery. */
async function settle(context: Context, delivery: Delivery, wish: Wish): Promise<ProjectReceipt> {
  const { projectId } = delivery;
  const plan = 'scan' in wish ? await fallible(async () => planFor(context, delivery, wish.scan)) : { refused: null };
  return inTransaction(context.db, async (tx) => {
    const row = await claimDelivery(tx, delivery);
    if (row === null) return { projectId, status: 'duplicate', scanId: null };
    const outcome = 'done' in plan ? await fallible(async () => queueScan(tx, context, plan.done.project, plan.done.request, plan.done.plan)) : plan;
    const scanId = 'done' in outcome ? outcome.done.id : null;
    const status = scanId !== null ? 'enqueued' : 'done' in outcome || outcome.refused === null ? 'ignored' : (SKIPPED[outcome.refused.kind] ?? 'ignored');
    const reason = 'ignored' in wish ? wish.ignored : 'done' in outcome ? null : (outcome.refused?.message ?? null);
    await settleDelivery(tx, row, { status, reason, scanId });
    return { projectId, status, scanId };
  });
}

async function planFor(context: Context, { provider, event, projectId }: Delivery, { ref, commit, metadata }: Extract<Wish, { scan: unknown }>['scan']) {
  const project = await getProject(context, projectId);
  const request: ScanRequest = {
    kind: 'source', ref: normaliseRef(ref), statedRef: ref, commitSha: commit, metadata: { webhook: { provider, event, ...metadata } }, image: null, upload: null, statedFormat: null,
  };
  return { project, request, plan: await planScan(context, project, request) };
}

/** What came of it, or the refusal that is an outcome of a delivery; anything else is thrown on. */
async function fallible<T>(work: () => Promise<T>): Promise<{ done: T } | { refused: DomainError | null }> {
  try {
    return { done: await work() };
  } catch (error) {
    if (error instanceof DomainError && (SKIPPED[error.kind] !== undefined || UNFIT.has(error.kind))) return { refused: error };
    throw error;
  }
}

/** As `settle` counts them. */
export const summaryOf = ({ projects }: Receipt): ProjectReceipt => {
  const found = ORDER.flatMap((status) => projects.filter((one) => one.status === status))[0];
  if (found === undefined) throw notFound('The project');
  return found;
};
const ORDER: readonly ProjectReceipt['status'][] = ['enqueued', 'skipped_active_scan', 'skipped_team_at_capacity', 'skipped_disk_full', 'ignored', 'duplicate'];
