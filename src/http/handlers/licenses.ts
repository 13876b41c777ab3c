/** Licence findings, conclusions and obligations. */
import { concludeLicense, withdrawConclusion } from '../../domain/licenses/conclude.ts';
import { listLicenseConflicts } from '../../domain/licenses/conflicts.ts';
import { getLicenseFinding } from '../../domain/licenses/finding.ts';
import { updateObligation } from '../../domain/obligations/fulfil.ts';
import { getProjectObligation, listProjectObligations } from '../../domain/obligations/read.ts';
import { noContent, ok, versioned } from '../reply.ts';
import type { Handlers } from '../types.ts';

export const licenses = {
  listProjectLicenseConflicts: async (context, { path, query, page }) => ok(await listLicenseConflicts(context, path.id, query.scan_id, page)),
  getLicenseFinding: async (context, { path }) => ok(await getLicenseFinding(context, path.finding_id)),
  replaceConcludedLicense: async (context, { path, body, ifMatch }) => versioned(await concludeLicense(context, path.component_id, ifMatch, body)),
  deleteConcludedLicense: async (context, { path, ifMatch }) => {
    await withdrawConclusion(context, path.component_id, ifMatch);
    return noContent;
  },
  listProjectObligations: async (context, { path, query, page }) =>
    ok(await listProjectObligations(context, path.id, query.scan_id, { text: query.q, kind: query.kind, tier: query.tier, status: query.status }, page)),
  getProjectObligation: async (context, { path }) => versioned(await getProjectObligation(context, path.id, path.obligation_id)),
  updateProjectObligation: async (context, { path, body, ifMatch }) => versioned(await updateObligation(context, path.id, path.obligation_id, ifMatch, body)),
} satisfies Partial<Handlers>;
