/** Liveness and readiness. */
import { DomainError } from '../../core/errors.ts';
import { pendingMigrations } from '../../db/migrate.ts';
import { ok } from '../reply.ts';
import type { Handlers } from '../types.ts';

export const system = {
  getHealth: () => Promise.resolve(ok({ status: 'ok' })),
  getFrontendHealth: () => Promise.resolve(ok({ status: 'ok' })),
  getReadiness: async ({ db }) => {
    const pending = await pendingMigrations(db);
    if (pending.length > 0) throw new DomainError('not-ready', `Migrations are pending: ${pending.join(', ')}.`, { retryAfter: 5 });
    return ok({ status: 'ok', checks: { database: 'ok', migrations: 'ok', queue: 'ok' } });
  },
} satisfies Partial<Handlers>;
