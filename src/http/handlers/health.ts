/** /v1/admin/health. */
import { getAdminHealth } from '../../domain/system/health.ts';
import { ok } from '../reply.ts';
import type { Handlers } from '../types.ts';

export const health = {
  getAdminHealth: async (context) => ok(await getAdminHealth(context)),
} satisfies Partial<Handlers>;
