/** What this process and the installation do, in numbers. */
import { DomainError } from '../../core/errors.ts';
import type { Exposition } from '../../core/telemetry.ts';
import type { Context } from '../context.ts';

export function exposition({ telemetry }: Context): Promise<Exposition> {
  if (telemetry.exposition === null) throw new DomainError('not-found', 'This portal tells no metrics: METRICS_TOKEN is not set. An operator can set it.');
  return telemetry.exposition();
}
