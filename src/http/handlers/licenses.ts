/** Obligations. */
import { updateObligation } from '../../domain/obligations/fulfil.ts';
import { getProjectObligation, listProjectObligations } from '../../domain/obligations/read.ts';
import { ok, versioned } from '../reply.ts';
import type { Handlers } from '../types.ts';

export const licenses = {
  listProjectObligations: async (context, { path, query, page }) =>
    ok(await listProjectObligations(context, path.id, query.scan_id, { text: query.q, kind: query.kind, tier: query.tier, status: query.status }, page)),
  getProjectObligation: async (context, { path }) => versioned(await getProjectObligation(context, path.id, path.obligation_id)),
  updateProjectObligation: async (context, { path, body, ifMatch }) => versioned(await updateObligation(context, path.id, path.obligation_id, ifMatch, body)),
} satisfies Partial<Handlers>;
