/** Liveness, readiness and metrics. */
import { exposition } from '../../domain/system/metrics.ts';
import { readiness } from '../../domain/system/readiness.ts';
import { ok } from '../reply.ts';
import type { Handlers } from '../types.ts';

export const system = {
  getHealth: () => Promise.resolve(ok({ status: 'ok' })),
  getFrontendHealth: () => Promise.resolve(ok({ status: 'ok' })),
  getReadiness: async (context) => ok(await readiness(context)),
  getMetrics: async (context) => {
    const { text, mediaType } = await exposition(context);
    return { status: 200, body: text, type: 'text/plain', headers: { 'Content-Type': mediaType } };
  },
} satisfies Partial<Handlers>;
