/** A client that keeps count of what comes of its requests: answers by status, and apart from them connections that broke under it. */
import { isRecord } from '../../../src/core/values.ts';

export interface Tally {
  /** By operation and status: `createScan 202`. */
  answers: Map<string, number>;
  /** Requests whose connection broke before their answer was there, by operation. */
  broken: Map<string, number>;
  /** Answers that came again for an Idempotency-Key. */
  replayed: number;
  /** Answers that nothing excuses: 5xx, and what the load did not expect. */
  faults: string[];
  /** Milliseconds of requests that were answered. */
  times: number[];
}

export const newTally = (): Tally => ({ answers: new Map(), broken: new Map(), replayed: 0, faults: [], times: [] });

export const count = (map: Map<string, number>, name: string): void => void map.set(name, (map.get(name) ?? 0) + 1);
export const total = (map: ReadonlyMap<string, number>, part = ''): number => [...map].filter(([name]) => name.includes(part)).reduce((sum, [, one]) => sum + one, 0);

export interface Reply {
  status: number;
  body: unknown;
  headers: Headers;
  /** The slug of a problem; empty for other answers. */
  problem: string;
}

export interface Sent {
  json?: unknown;
  form?: FormData;
  headers?: Record<string, string>;
}

export type Call = (operation: string, method: string, path: string, sent?: Sent) => Promise<Reply | null>;

/** Null where the connection broke. */
export function caller(url: string, token: string, tally: Tally): Call {
  return async (operation, method, path, { json, form, headers = {} } = {}) => {
    const begin = performance.now();
    const body = form ?? (json === undefined ? undefined : JSON.stringify(json));
    const reply = await fetch(url + path, {
      method, headers: { ...(token === '' ? {} : { Authorization: `Bearer ${token}` }), ...(json === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers }, ...(body === undefined ? {} : { body }),
    }).then(async (response) => ({ status: response.status, headers: response.headers, text: await response.text() })).catch(() => null);
    if (reply === null) {
      count(tally.broken, operation);
      return null;
    }
    const { status, text } = reply;
    tally.times.push(performance.now() - begin);
    count(tally.answers, `${operation} ${status}`);
    if (reply.headers.get('Idempotency-Replayed') === 'true') tally.replayed += 1;
    if (status >= 500) tally.faults.push(`${operation} ${status}: ${text.slice(0, 300)}`);
    const parsed: unknown = text === '' ? null : JSON.parse(text);
    return { status, headers: reply.headers, body: parsed, problem: isRecord(parsed) && status >= 400 ? String(parsed['type']).replace(/^.*[/:]/, '') : '' };
  };
}

/** Random numbers from 0 to 1 that a seed makes the same again (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
