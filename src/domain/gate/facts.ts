/** The facts that gates judge, for many scans at once. */
import { judgedTiers, openFindings, type JudgedScan } from '../../db/gate.ts';
import { rejectedComponents } from '../../db/license-judgement.ts';
import type { Db } from '../../db/connect.ts';
import type { GateFacts } from './evaluate.ts';
import type { GatePolicy } from './policy.ts';

export const toJudge = (projectId: string, scanId: string, policy: GatePolicy): JudgedScan => ({ projectId, scanId, epss: policy.epss_threshold, maxAge: policy.max_age_days });

/** By project; each project once. All scans must have succeeded. */
export async function succeededFacts(db: Db, scans: readonly JudgedScan[], now: Date): Promise<Map<string, GateFacts>> {
  const findings = Map.groupBy(await openFindings(db, scans, now), (group) => group.project_id);
  const licenses = Map.groupBy(await judgedTiers(db, scans), (group) => group.project_id);
  const rejected = new Map((await rejectedComponents(db, scans)).map((row) => [row.scan_id, row]));
  return new Map(scans.map(({ projectId, scanId }) => [projectId, { scan: 'succeeded', findings: findings.get(projectId) ?? [], licenses: licenses.get(projectId) ?? [], rejected: rejected.get(scanId) ?? NONE_REJECTED }]));
}

export const NONE_REJECTED: GateFacts['rejected'] = { count: 0, component_ids: [] };
