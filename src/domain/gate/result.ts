/** The gate of a project's scan: facts from the database, judged by the policy. */
import type { components } from '../../../generated/api.ts';
import { notFound } from '../../core/errors.ts';
import { lastOutcome } from '../../db/gate.ts';
import { findScan, type ScanRow } from '../../db/scans.ts';
import type { Context } from '../context.ts';
import { viewProject } from '../projects/read.ts';
import { evaluateGate, type GateFacts } from './evaluate.ts';
import { NONE_REJECTED, succeededFacts, toJudge } from './facts.ts';
import { toGatePolicy, type GatePolicy } from './policy.ts';

export type GateResult = components['schemas']['GateResult'];

/** Judges the named scan, else the current one. Throws not-found where the scan is another project's. */
export async function gateResult(context: Context, projectId: string, scanId: string | undefined): Promise<GateResult> {
  const project = await viewProject(context, projectId);
  const scan = await scanToJudge(context, projectId, scanId ?? project.current_scan_id ?? undefined);
  const policy = toGatePolicy(project.gate);
  const judgement = evaluateGate(await factsOf(context, scan, policy), policy);
  const now = context.now().toISOString();
  const history = scan?.id === project.current_scan_id && judgement.gate !== 'pending' ? await historyOf(context, projectId, judgement.gate, now) : { previous: null, changed_at: null };
  return { ...judgement, ...history, policy, project_id: projectId, scan_id: scan?.id ?? null, evaluated_at: now };
}

/** What the project's gate was before, and since when it is what it is. A change that has not been noted yet is one of this moment. */
async function historyOf(context: Context, projectId: string, gate: GateResult['gate'], now: string): Promise<Pick<GateResult, 'previous' | 'changed_at'>> {
  const last = await lastOutcome(context.db, projectId);
  return last?.outcome === gate ? { previous: last.previous, changed_at: last.since } : { previous: last?.outcome ?? null, changed_at: now };
}

async function scanToJudge(context: Context, projectId: string, scanId: string | undefined): Promise<ScanRow | undefined> {
  if (scanId === undefined) return undefined;
  const scan = await findScan(context.db, scanId);
  if (scan?.project_id !== projectId) throw notFound('The scan');
  return scan;
}

async function factsOf(context: Context, scan: ScanRow | undefined, policy: GatePolicy): Promise<GateFacts> {
  if (scan?.status !== 'succeeded') return { scan: scan?.status ?? null, findings: [], licenses: [], rejected: NONE_REJECTED };
  const facts = await succeededFacts(context.db, [toJudge(scan.project_id, scan.id, policy)], context.now());
  return facts.get(scan.project_id) ?? { scan: 'succeeded', findings: [], licenses: [], rejected: NONE_REJECTED };
}
