/** When a request may be sent again, and after how long. Pure. */
import { slugOf, type PortalProblem } from './problem.ts';

export interface RetryPolicy {
  /** Times that a request is sent at most; 1 never sends again. */
  attempts: number;
  /** Longest pause in milliseconds. A Retry-After beyond it is not waited for: the problem is thrown, with its `retryAfter`. */
  maxDelayMs: number;
}

export const DEFAULT_RETRIES: RetryPolicy = { attempts: 4, maxDelayMs: 60_000 };
const FIRST_DELAY_MS = 500;
const BUSY = new Set([429, 503]);
/** What proxies answer while the portal behind them starts anew. */
const GATEWAY = new Set([502, 504]);
const SAFE_TO_REPEAT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/** May a request be sent again though it may have been carried out? */
export function isIdempotent({ method, headers }: Pick<Request, 'method' | 'headers'>): boolean {
  return SAFE_TO_REPEAT.has(method) || headers.has('Idempotency-Key');
}

/** After a connection fault: not what names a version, since the first request may have changed it. */
export const mayRepeatUnanswered = (request: Pick<Request, 'method' | 'headers'>): boolean => isIdempotent(request) && !request.headers.has('If-Match');

/** Does the answer ask for another try? A gateway's own words are trusted only where they are not the portal's (its 502 is about a code host, and final). */
export function asksAgain(problem: Pick<PortalProblem, 'status' | 'type'>): boolean {
  const slug = slugOf(problem.type);
  if (slug === 'idempotency-in-progress') return true; // the first request with our key is still running: its answer is ours
  return BUSY.has(problem.status) || (GATEWAY.has(problem.status) && slug === null);
}

/**
 * Milliseconds to wait before sending again; null: do not.
 * @param sent times that it has been sent @param retryAfter seconds @param chance 0 to 1, so that clients do not come back all at once
 */
export function pauseBefore(sent: number, retryAfter: number | null, { attempts, maxDelayMs }: RetryPolicy, chance: number): number | null {
  if (sent >= attempts) return null;
  if (retryAfter !== null) return retryAfter * 1000 <= maxDelayMs ? retryAfter * 1000 : null;
  return Math.min(maxDelayMs, FIRST_DELAY_MS * 2 ** (sent - 1) * (0.5 + chance / 2));
}
