/** A mirror of vulnerability data on loopback: documents by path, with validators, and ways to misbehave. Stopped after the last test. */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { startServer } from './identity-provider.ts';

export type Misbehaviour = (request: IncomingMessage, response: ServerResponse) => void;

export interface Mirror {
  /** Without a slash at its end. */
  url: string;
  /** What a path answers from now on; null for 404. */
  put: (path: string, answer: string | Buffer | Misbehaviour | null) => void;
  /** Paths asked for since the last call, each with its status, sorted. */
  seen: () => string[];
}

export async function startMirror(): Promise<Mirror> {
  const documents = new Map<string, string | Buffer | Misbehaviour>();
  let asked: { path: string; response: ServerResponse }[] = [];
  const { url } = await startServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '');
    const answer = documents.get(path);
    asked.push({ path, response });
    if (answer === undefined) return void response.writeHead(404).end('none');
    if (typeof answer === 'function') return answer(request, response);
    const etag = `"${createHash('sha256').update(answer).digest('hex').slice(0, 16)}"`;
    if (request.headers['if-none-match'] === etag) return void response.writeHead(304, { ETag: etag }).end();
    return void response.writeHead(200, { 'ETag': etag, 'Content-Length': Buffer.byteLength(answer) }).end(answer);
  });
  return {
    url,
    put: (path, answer) => {
      if (answer === null) documents.delete(path);
      else documents.set(path, answer);
    },
    seen: () => {
      const all = asked.map(({ path, response }) => `${path} ${response.statusCode}`).sort();
      asked = [];
      return all;
    },
  };
}
