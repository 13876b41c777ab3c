/** What a process answers that serves no API: whether it is well, and its metrics. */
import type Koa from 'koa';
import { DomainError } from '../core/errors.ts';
import { canonicalPath } from './paths.ts';

const PATHS: ReadonlySet<string> = new Set(['/health', '/health/ready', '/metrics']);

/** Goes before the contract: everything else is not there. */
export const observedOnly: Koa.Middleware = async (ctx, next) => {
  if (!PATHS.has(canonicalPath(ctx.path))) throw new DomainError('not-found', `This process runs jobs; it answers ${[...PATHS].join(', ')} only.`);
  await next();
};
