/** Components of a project. */
import { getComponent, listProjectComponents } from '../../domain/components/read.ts';
import { ok } from '../reply.ts';
import type { Handlers } from '../types.ts';

export const components = {
  listProjectComponents: async (context, { path, query, page }) =>
    ok(await listProjectComponents(context, path.id, query.scan_id, { text: query.q, severity: query.severity, licenseTier: query.license_tier, direct: query.direct, scope: query.scope }, page)),
  getComponent: async (context, { path, query }) => ok(await getComponent(context, path.component_id, query.scan_id)),
} satisfies Partial<Handlers>;
