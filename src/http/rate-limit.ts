/** Limits of the contract (`x-rate-limit`), counted in the database. */
import { subjectOf } from '../core/actor.ts';
import { DomainError } from '../core/errors.ts';
import type { Db } from '../db/connect.ts';
import { countHit } from '../db/rate-limits.ts';
import type { Exchange } from './exchange.ts';

export interface RateLimit {
  readonly name: string;
  readonly limit: number;
  readonly window_seconds: number;
  readonly by: string;
}

/** Counts the request and sets the RateLimit headers. Throws too-many-requests; its Retry-After is the whole window, as clients know it. */
export async function enforceRateLimit(db: Db, exchange: Exchange, limit: RateLimit, now: Date): Promise<void> {
  const allowed = exchange.limits[limit.name] ?? limit.limit;
  const subject = limit.by === 'actor' ? subjectOf(exchange.actor, exchange.ip) : `ip:${exchange.ip}`;
  const { hits, resetSeconds } = await countHit(db, `${limit.name}:${subject}`, limit.window_seconds, now);
  exchange.headers['RateLimit-Policy'] = `"${limit.name}";q=${allowed};w=${limit.window_seconds}`;
  exchange.headers['RateLimit'] = `"${limit.name}";r=${Math.max(0, allowed - hits)};t=${resetSeconds}`;
  if (hits > allowed) {
    throw new DomainError('too-many-requests', `More than ${allowed} requests in ${limit.window_seconds} seconds. Wait, then try again.`, { retryAfter: limit.window_seconds });
  }
}
