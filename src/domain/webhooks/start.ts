/** The scan that a delivery asks for, now or when there is room: what came of it is an outcome of the delivery, not a failure. */
import { DomainError, type ProblemSlug } from '../../core/errors.ts';
import type { Tx } from '../../db/connect.ts';
import type { ProjectRow } from '../../db/projects.ts';
import type { Delivery, DeliveryStatus, ScanWish } from '../../db/webhooks.ts';
import type { Context } from '../context.ts';
import { getProject } from '../projects/read.ts';
import { planScan, queueScan, type ScanPlan } from '../scans/create.ts';
import { normaliseRef, type ScanRequest } from '../scans/request.ts';

/** There is no room for it now. */
const SKIPPED: Partial<Record<ProblemSlug, DeliveryStatus>> = { 'scan-in-progress': 'skipped_active_scan', 'too-many-active-scans': 'skipped_team_at_capacity', 'disk-pressure': 'skipped_disk_full' };
/** Of what cannot be scanned whatever is sent again: an archived project, a ref that git does not allow, a server without git. */
const UNFIT: ReadonlySet<ProblemSlug> = new Set<ProblemSlug>(['project-archived', 'no-scan-source', 'scan-kind-unavailable', 'validation-failed', 'not-found']);

type Fallible<T> = { done: T } | { refused: DomainError };
export type DeliveryPlan = Fallible<{ project: ProjectRow; request: ScanRequest; plan: ScanPlan }>;

/** The first half, before any transaction. */
export function planDelivery(context: Context, { provider, event, projectId }: Delivery, { ref, commit, metadata }: ScanWish): Promise<DeliveryPlan> {
  return fallible(async () => {
    const project = await getProject(context, projectId);
    const request: ScanRequest = {
      kind: 'source', ref: normaliseRef(ref), statedRef: ref, commitSha: commit, metadata: { webhook: { provider, event, ...metadata } }, image: null, upload: null, statedFormat: null,
    };
    return { project, request, plan: await planScan(context, project, request) };
  });
}

/** The second half; the id of the scan. */
export async function startScan(tx: Tx, context: Context, plan: DeliveryPlan): Promise<Fallible<string>> {
  return 'refused' in plan ? plan : fallible(async () => (await queueScan(tx, context, plan.done.project, plan.done.request, plan.done.plan)).id);
}

export const outcomeOf = (started: Fallible<string>): { status: DeliveryStatus; reason: string | null; scanId: string | null } =>
  ('done' in started ? { status: 'enqueued', reason: null, scanId: started.done } : { status: SKIPPED[started.refused.kind] ?? 'ignored', reason: started.refused.message, scanId: null });

/** What came of it, or the refusal that is an outcome of a delivery; anything else is thrown on. */
async function fallible<T>(work: () => Promise<T>): Promise<Fallible<T>> {
  try {
    return { done: await work() };
  } catch (error) {
    if (error instanceof DomainError && (SKIPPED[error.kind] !== undefined || UNFIT.has(error.kind))) return { refused: error };
    throw error;
  }
}
