/** One HTTP request to addresses that were judged before, and to no others: the name is not looked up again, redirects are not followed, the answer is bounded. */
import { request as requestHttp, type IncomingHttpHeaders } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Readable } from 'node:stream';
import type { ResolvedAddress } from './addresses.ts';

export interface PinnedRequest {
  method: string;
  headers: Record<string, string | number>;
  addresses: readonly ResolvedAddress[];
  /** What is streamed needs a Content-Length among the headers. */
  payload: string | Readable | null;
  /** The answer is read so far; 0: not at all. */
  maxBytes: number;
  signal: AbortSignal;
}

export interface PinnedAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  /** UTF-8. */
  text: string;
  /** Was there more than `maxBytes`? */
  isCut: boolean;
}

/** Throws what the connection throws, and the signal's reason. */
export function requestPinned(url: URL, { method, headers, addresses, payload, maxBytes, signal }: PinnedRequest): Promise<PinnedAnswer> {
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? requestHttps : requestHttp)({
      method, headers, hostname: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: url.port, path: `${url.pathname}${url.search}`, agent: false, signal,
      lookup: (_host, { all }, done) => {
        if (all === true) done(null, addresses.map(({ address, family }) => ({ address, family })));
        else done(null, addresses[0]?.address ?? '', addresses[0]?.family);
      },
    }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      const answer = (isCut: boolean): void => resolve({ status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString('utf8'), isCut });
      response.on('error', reject).on('end', () => {
        answer(false);
        if (!request.writableFinished) request.destroy(); // who has answered before all was sent wants no more
      }).on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size <= maxBytes) chunks.push(chunk);
        else {
          answer(true);
          request.destroy();
        }
      });
    });
    request.on('error', reject);
    if (payload === null || typeof payload === 'string') request.end(payload ?? undefined);
    else {
      request.on('close', () => payload.destroy());
      payload.on('error', (error) => request.destroy(error)).pipe(request);
    }
  });
}
