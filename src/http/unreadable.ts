/**
 * Requests that Node's parser gives up on before there is a request: they, too, are answered by a problem document. Node's own answer has no body.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { DomainError } from '../core/errors.ts';
import { uuidv7 } from '../core/ids.ts';
import { errorCode, messageOf } from '../core/values.ts';
import { renderProblem } from './problem.ts';

/** For so long the rest of what the client sends is thrown away, so that it can read the answer. */
const GRACE_MS = 2_000;

export function answerUnreadable(server: Server, log: Logger): void {
  const underWay = new WeakMap<Duplex, ServerResponse>();
  const settled = new WeakSet<Duplex>();
  server.on('request', (request: IncomingMessage, response: ServerResponse) => void underWay.set(request.socket, response));
  server.on('clientError', (error: Error, socket: Duplex) => {
    if (settled.has(socket)) return; // what follows the fault on the same connection
    settled.add(socket);
    const response = underWay.get(socket);
    if (!socket.writable || (response !== undefined && !response.writableEnded && response.headersSent)) {
      socket.destroy();
      return;
    }
    const requestId = uuidv7();
    log.info({ request_id: requestId, code: errorCode(error) }, 'a request that cannot be read');
    socket.end(answerTo(error, requestId));
    socket.resume();
    setTimeout(() => socket.destroy(), GRACE_MS).unref();
  });
}

function answerTo(error: Error, requestId: string): string {
  const problem = renderProblem(faultOf(error), { path: '', requestId });
  const body = JSON.stringify(problem.body);
  const headers = { ...problem.headers, 'X-Request-ID': requestId, 'X-Content-Type-Options': 'nosniff', 'Content-Length': String(Buffer.byteLength(body)), Connection: 'close' };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}\r\n${lines.join('')}\r\n${isHead(error) ? '' : body}`;
}

/** As far as the bytes that were being read tell. */
const isHead = (error: Error): boolean => 'rawPacket' in error && Buffer.isBuffer(error.rawPacket) && error.rawPacket.subarray(0, 5).toString('latin1') === 'HEAD ';

function faultOf(error: Error): DomainError {
  switch (errorCode(error)) {
    case 'HPE_HEADER_OVERFLOW': return new DomainError('request-headers-too-large', 'The URL and the headers together are larger than 16 KiB.');
    case 'ERR_HTTP_REQUEST_TIMEOUT': return new DomainError('request-timeout', 'The request did not arrive in time.');
    default: {
      const message = messageOf(error).replace(/^Parse Error: /, '').slice(0, 200);
      return new DomainError('invalid-request', `This is not HTTP/1.1: ${message}.`, { errors: [{ message }] });
    }
  }
}
