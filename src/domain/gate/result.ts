/** The gate of a project's scan: facts from the database, judged by the policy. */
import type { components } from '../../../generated/api.ts';
import { notFound } from '../../core/errors.ts';
import { licenseTiers, openFindings } from '../../db/findings.ts';
import { rejectedComponents } from '../../db/license-judgement.ts';
import { findScan, type ScanRow } from '../../db/scans.ts';
import type { Context } from '../context.ts';
import { getProject } from '../projects/read.ts';
import { evaluateGate, type GateFacts } from './evaluate.ts';
import { toGatePolicy } from './policy.ts';

export type GateResult = components['schemas']['GateResult'];

/** Judges the named scan, else the current one. Throws not-found where the scan is another project's. */
export async function gateResult(context: Context, projectId: string, scanId: string | undefined): Promise<GateResult> {
  const project = await getProject(context, projectId);
  const scan = await scanToJudge(context, projectId, scanId ?? project.current_scan_id ?? undefined);
  const facts: GateFacts = scan?.status === 'succeeded' ? await factsOf(context, scan) : { scan: scan?.status ?? null, findings: [], licenses: [], rejectedApprovals: { count: 0, component_ids: [] } };
  const policy = toGatePolicy(project.gate);
  return { ...evaluateGate(facts, policy), policy, project_id: projectId, scan_id: scan?.id ?? null, evaluated_at: context.now().toISOString() };
}

async function scanToJudge(context: Context, projectId: string, scanId: string | undefined): Promise<ScanRow | undefined> {
  if (scanId === undefined) return undefined;
  const scan = await findScan(context.db, scanId);
  if (scan?.project_id !== projectId) throw notFound('The scan');
  return scan;
}

async function factsOf(context: Context, scan: ScanRow): Promise<GateFacts> {
  return {
    scan: scan.status,
    findings: await openFindings(context.db, scan.project_id, scan.id, context.now()),
    licenses: await licenseTiers(context.db, scan.id),
    rejectedApprovals: await rejectedComponents(context.db, scan.id),
  };
}
