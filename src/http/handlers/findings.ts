/** Vulnerability findings: the list, one of them, and triage. */
import { problems } from '../../../generated/problems.ts';
import { getFinding } from '../../domain/findings/get.ts';
import { listProjectVulnerabilities } from '../../domain/findings/list.ts';
import type { DecisionOutcome } from '../../domain/findings/triage.ts';
import { updateFindingStatus, updateFindingStatuses } from '../../domain/findings/update-status.ts';
import { ok, versioned } from '../reply.ts';
import type { Handlers, Schema } from '../types.ts';

export const findings = {
  listProjectVulnerabilities: async (context, { path, query, page }) =>
    ok(
      await listProjectVulnerabilities(context, path.id, query.scan_id, {
        text: query.q, severity: query.severity, status: query.status, source: query.source, kev: query.kev, minEpss: query.min_epss, fixAvailable: query.fix_available, direct: query.direct,
        componentId: query.component_id, cwe: query.cwe, discoveredAfter: query.discovered_after, discoveredBefore: query.discovered_before,
      }, page),
    ),
  getVulnerabilityFinding: async (context, { path }) => versioned(await getFinding(context, path.finding_id)),
  updateVulnerabilityFindingStatus: async (context, { path, body, ifMatch }) => versioned(await updateFindingStatus(context, path.finding_id, ifMatch, body)),
  updateProjectVulnerabilityStatuses: async (context, { path, body }) => {
    const results = (await updateFindingStatuses(context, path.id, body)).map(toResult);
    const count = (wanted: DecisionOutcome['outcome']): number => results.filter(({ outcome }) => outcome === wanted).length;
    return ok({ mode: body.mode, applied: count('applied'), unchanged: count('unchanged'), refused: count('refused'), results });
  },
} satisfies Partial<Handlers>;

function toResult({ findingId, refusal, ...rest }: DecisionOutcome): Schema<'BulkStatusResult'>['results'][number] {
  if (refusal === null) return { finding_id: findingId, ...rest, problem: null };
  const { type, status } = problems[refusal.kind];
  const { allowedTo, currentVersion } = refusal;
  return { finding_id: findingId, ...rest, problem: { type, status, detail: refusal.detail, ...(allowedTo === undefined ? {} : { allowed_to: [...allowedTo] }), ...(currentVersion === undefined ? {} : { current_version: currentVersion }) } };
}
