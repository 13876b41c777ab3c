/** Liveness and readiness. */
import { readiness } from '../../domain/system/readiness.ts';
import { ok } from '../reply.ts';
import type { Handlers } from '../types.ts';

export const system = {
  getHealth: () => Promise.resolve(ok({ status: 'ok' })),
  getFrontendHealth: () => Promise.resolve(ok({ status: 'ok' })),
  getReadiness: async (context) => ok(await readiness(context)),
} satisfies Partial<Handlers>;
