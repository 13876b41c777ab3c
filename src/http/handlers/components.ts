/** Components of a project. */
import { getComponent, listProjectComponents } from '../../domain/components/read.ts';
import { ok } from '../reply.ts';
import type { Handlers } from '../types.ts';

export const components = {
  listProjectComponents: async (context, { path, query, page }) => {
    const { q: text, severity, vulnerable, fix_available: fixAvailable, license_tier: licenseTier, license, purl_type: purlType, direct, scope } = query;
    return ok(await listProjectComponents(context, path.id, query.scan_id, { text, severity, vulnerable, fixAvailable, licenseTier, license, purlType, direct, scope }, page));
  },
  getComponent: async (context, { path, query }) => ok(await getComponent(context, path.component_id, query.scan_id)),
} satisfies Partial<Handlers>;
