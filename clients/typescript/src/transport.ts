/** Sends requests: with a credential that is renewed once where it is refused, and again where that is safe and helps. What is refused for good is thrown. */
import { setTimeout as wait } from 'node:timers/promises';
import { PortalProblem, PortalUnreachable, problemOf } from './problem.ts';
import { asksAgain, isIdempotent, mayRepeatUnanswered, pauseBefore, type RetryPolicy } from './retry.ts';
import { createSession, type Credential, type Session } from './session.ts';

export interface Clock {
  /** Milliseconds. */
  now: () => number;
  /** Rejects when the signal is aborted. */
  sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
}

export const CLOCK: Clock = { now: () => Date.now(), sleep: (ms, signal) => wait(ms, undefined, signal === undefined ? {} : { signal }) };

export interface TransportOptions {
  /** Without a slash at its end. */
  baseUrl: string;
  credential: Credential;
  fetch: (request: Request) => Promise<Response>;
  retries: RetryPolicy;
  clock: Clock;
}

export interface Transport {
  session: Session;
  /** @param build makes the request anew for each try, so that a body is never kept in memory. Throws PortalProblem, PortalUnreachable, the signal's reason. */
  send: (build: () => Request) => Promise<Response>;
}

type Send = (build: () => Request) => Promise<Response>;

const NOT_MODIFIED = 304;
const isSuccess = ({ status }: Response): boolean => status < 300 || status === NOT_MODIFIED;

export function createTransport({ baseUrl, credential, fetch, retries, clock }: TransportOptions): Transport {
  /** The last answer, whatever it says. @param repeatable that may be sent again though its method does not say so */
  const persist = async (build: () => Request, once: Send, repeatable: boolean): Promise<Response> => {
    for (let sent = 1; ; sent += 1) {
      const { method, headers, signal, url } = build();
      const pause = (retryAfter: number | null): number | null => pauseBefore(sent, retryAfter, retries, Math.random());
      let delay: number | null;
      try {
        const response = await once(build);
        if (isSuccess(response) || !(repeatable || isIdempotent({ method, headers }))) return response;
        const problem = await problemOf(response.clone(), new Date(clock.now()));
        delay = asksAgain(problem) ? pause(problem.retryAfter) : null;
        if (delay === null) return response;
        await response.body?.cancel();
      } catch (fault) {
        if (signal.aborted || fault instanceof PortalProblem || fault instanceof PortalUnreachable) throw fault;
        delay = repeatable || mayRepeatUnanswered({ method, headers }) ? pause(null) : null;
        if (delay === null) throw new PortalUnreachable(`${new URL(url).origin} could not be reached: ${reasonOf(fault)}.`, { cause: fault });
      }
      await clock.sleep(delay, signal);
    }
  };

  const session = createSession(credential, (path, init) => persist(() => new Request(baseUrl + path, { method: 'POST', ...init }), (build) => fetch(build()), true), clock.now);

  const authorized: Send = async (build) => {
    const token = await session.token();
    const response = await fetch(withToken(build(), token));
    if (response.status !== 401 || token === null) return response;
    const renewed = await session.renew(token);
    if (renewed === null) return response;
    await response.body?.cancel();
    return fetch(withToken(build(), renewed));
  };

  return {
    session,
    send: async (build) => {
      const response = await persist(build, authorized, false);
      if (!isSuccess(response)) throw await problemOf(response, new Date(clock.now()));
      return response;
    },
  };
}

function withToken(request: Request, token: string | null): Request {
  if (token !== null) request.headers.set('Authorization', `Bearer ${token}`);
  return request;
}

/** Node's fetch says `fetch failed`, and why in the cause; where a name has several addresses, one reason for each. */
export function reasonOf(fault: unknown): string {
  if (!(fault instanceof Error)) return String(fault);
  if (fault instanceof AggregateError) return reasonOf(fault.errors[0]);
  if (fault.cause !== undefined) return reasonOf(fault.cause);
  return fault.message.includes('wrong version number') ? 'it answers without TLS, so that its address begins with http' : fault.message.trim();
}
