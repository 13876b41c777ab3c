/** One request on its way through the contract: what is known of it so far. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Actor } from '../core/actor.ts';
import type { Form, OperationId } from './types.ts';

export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  log: Logger;
  requestId: string;
  ip: string;
  /** The path as the client sent it, without the query: `instance` of problems. */
  path: string;
  query: string;
  actor: Actor;
  operationId: OperationId | null;
  params: Record<string, string | undefined>;
  body: BodyState;
  /** Limits of the contract that settings change: requests a window, by the limit's name. */
  limits: Readonly<Record<string, number>>;
  /** Set by the handler: what is sent. */
  answer: Answer | null;
  /** Headers that the answer carries whatever it is: limits, replays. */
  headers: Record<string, string>;
  /** Run when the answer is out: removes spooled uploads. */
  cleanups: (() => Promise<void>)[];
}

export type BodyState = { state: 'unread' } | { state: 'none' } | { state: 'json'; value: unknown; raw: Buffer; digest: Buffer; mediaType: string } | { state: 'form'; form: Form; digest: Buffer; mediaType: string };

export interface Answer {
  status: number;
  headers: Record<string, string | string[]>;
  /** JSON text, or a stream; null for no body. */
  body: string | AsyncIterable<string | Buffer> | null;
  type: string | null;
}
