/** /v1/license-policies, and the policy in effect for a project. */
import { createLicensePolicy, getLicensePolicy, listVisiblePolicies, removeLicensePolicy, updateLicensePolicy } from '../../domain/licenses/policies.ts';
import { listProjectLicenseTiers } from '../../domain/licenses/tiers.ts';
import { created, noContent, ok, versioned } from '../reply.ts';
import type { Handlers } from '../types.ts';

export const licensePolicies = {
  listLicensePolicies: async (context, { query, page }) => ok(await listVisiblePolicies(context, { scope: query.scope, teamId: query.team_id, text: query.q }, page)),
  createLicensePolicy: async (context, { body }) => created('/v1/license-policies', await createLicensePolicy(context, body)),
  getLicensePolicy: async (context, { path }) => versioned(await getLicensePolicy(context, context.db, path.id)),
  updateLicensePolicy: async (context, { path, body, ifMatch }) => versioned(await updateLicensePolicy(context, path.id, ifMatch, body)),
  deleteLicensePolicy: async (context, { path }) => {
    await removeLicensePolicy(context, path.id);
    return noContent;
  },
  listProjectLicenseTiers: async (context, { path, query, page }) => ok(await listProjectLicenseTiers(context, path.id, { text: query.q, tier: query.tier, decidedBy: query.decided_by }, page)),
} satisfies Partial<Handlers>;
