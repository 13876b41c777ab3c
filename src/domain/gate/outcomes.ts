/**
 * Gates over time. Whatever may change a gate marks its project in its own transaction; a job judges the marked projects, many at once, and notes the outcomes
 * that have changed. One evaluation runs at a time, over all processes, so that no change is noted twice.
 */
import { insertGateChecks, markAgingGates, recordOutcomes, takeGateChecks, type GateCause, type GateChange } from '../../db/gate.ts';
import type { Tx } from '../../db/connect.ts';
import { announce } from '../../db/notices.ts';
import { inTransaction, withAdvisoryLock } from '../../db/transaction.ts';
import type { Services } from '../context.ts';
import { evaluateGate } from './evaluate.ts';
import { succeededFacts, toJudge } from './facts.ts';
import { toGatePolicy } from './policy.ts';

/** Projects judged in one transaction. */
const BATCH = 200;

export async function markGates(tx: Tx, { enqueue }: Pick<Services, 'enqueue'>, projectIds: readonly string[], cause: GateCause): Promise<void> {
  if (projectIds.length === 0) return;
  await insertGateChecks(tx, projectIds, cause);
  await enqueue(tx, 'evaluate-gates', {});
}

export const markGate = (tx: Tx, services: Pick<Services, 'enqueue'>, projectId: string, cause: GateCause): Promise<void> => markGates(tx, services, [projectId], cause);

/** Judges all marked projects; returns what has changed. */
export async function evaluateGates({ db, now, log }: Pick<Services, 'db' | 'now' | 'log'>): Promise<GateChange[]> {
  const changes: GateChange[] = [];
  for (let more = true; more; ) {
    const batch = await withAdvisoryLock(db, 'gate-outcomes', (tx) => evaluateBatch(tx, now()));
    changes.push(...batch.changes);
    more = batch.projects === BATCH;
  }
  for (const { project_id, scan_id, outcome, previous, cause } of changes) log.info({ project_id, scan_id, outcome, previous, cause }, 'gate changed');
  return changes;
}

async function evaluateBatch(tx: Tx, now: Date): Promise<{ projects: number; changes: GateChange[] }> {
  const marked = await takeGateChecks(tx, BATCH);
  const judged = marked.flatMap((project) => (project.scan_id === null ? [] : [{ project, scanId: project.scan_id, policy: toGatePolicy(project.gate) }]));
  const facts = await succeededFacts(tx, judged.map(({ project, scanId, policy }) => toJudge(project.id, scanId, policy)), now);
  const counts = new Map<string, { critical: number; forbidden: number }>();
  const outcomes = judged.flatMap(({ project, scanId, policy }) => {
    const own = facts.get(project.id);
    if (own === undefined) return [];
    const { gate, reason, critical_cve_count: critical, forbidden_license_count: forbidden } = evaluateGate(own, policy);
    counts.set(project.id, { critical, forbidden });
    return gate === 'pending' ? [] : [{ project_id: project.id, scan_id: scanId, outcome: gate, reason, cause: project.cause }];
  });
  const changes = await recordOutcomes(tx, outcomes, now);
  await announce(tx, changes.filter(isNews).map(({ project_id: projectId, scan_id, outcome, previous, reason }) => ({ kind: 'gate_changed', projectId, audience: { to: 'team' }, facts: { scan_id, outcome, previous, reason, ...counts.get(projectId) } })));
  return { projects: marked.length, changes };
}

/** A first gate that passes is what everybody expects. */
const isNews = ({ previous, outcome }: GateChange): boolean => previous !== null || outcome === 'fail';

/** Marks the projects whose gates change by time alone. */
export function markAging(services: Pick<Services, 'db' | 'enqueue'>): Promise<void> {
  return inTransaction(services.db, async (tx) => {
    await markAgingGates(tx);
    await services.enqueue(tx, 'evaluate-gates', {});
  });
}
