/**
 * Fetching documents by HTTP from where an operator's settings point. The host that a setting names may be anywhere, that is the operator's word; each host that
 * a redirect leads to is judged like any other (addresses.ts), and what was judged is what is connected to. Time and size are bounded.
 */
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { pipeline } from 'node:stream/promises';
import { createWriteStream } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { Transform, type Readable } from 'node:stream';
import { messageOf } from '../core/values.ts';
import { AddressError, createAddressGuard, type AddressGuard } from './addresses.ts';

export interface DownloadOptions {
  /** ALLOW_PRIVATE_ADDRESSES, for redirects. */
  allowed: readonly string[];
  maxBytes: number;
  timeoutMs: number;
  signal: AbortSignal;
  /** Of an earlier answer: the server then says where nothing has changed. */
  known?: { etag?: string | undefined; last_modified?: string | undefined } | undefined;
}

export type Download = { status: 'unchanged' | 'missing' } | { status: 'found'; etag: string | undefined; last_modified: string | undefined };

/** `message` is for operators, and holds no password. */
export class DownloadError extends Error {}

const MAX_REDIRECTS = 5;
const IDLE_MS = 60_000;

/** Into a file. Throws DownloadError; what the file has then is nothing. */
export async function downloadFile(url: string, file: string, options: DownloadOptions): Promise<Download> {
  return download(url, options, async (body) => { await pipeline(body, createWriteStream(file)); });
}

/** Into memory. Throws DownloadError. */
export async function downloadText(url: string, options: DownloadOptions): Promise<Download & { text: string }> {
  let text = '';
  const answer = await download(url, options, async (body) => { text = (await buffer(body)).toString('utf8'); });
  return { ...answer, text };
}

/** Without what may be secret: user, password and query. */
export function shownUrl(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}

async function download(url: string, options: DownloadOptions, consume: (body: Readable) => Promise<void>): Promise<Download> {
  const deadline = AbortSignal.timeout(options.timeoutMs);
  const signal = AbortSignal.any([options.signal, deadline]);
  const { hostname } = new URL(url);
  const guard = createAddressGuard([...options.allowed, hostname.replace(/^\[(.*)\]$/, '$1')]);
  let at = url;
  try {
    for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
      const response = await send(new URL(at), new URL(url), guard, signal, options.known);
      const { statusCode = 0, headers } = response;
      if ([301, 302, 303, 307, 308].includes(statusCode) && headers.location !== undefined) {
        response.destroy();
        at = redirected(at, headers.location);
        continue;
      }
      if (statusCode === 200) {
        if (Number(headers['content-length'] ?? 0) > options.maxBytes) {
          response.destroy();
          throw new DownloadError(`is larger than ${options.maxBytes} bytes`);
        }
        await consume(bounded(options.maxBytes, response));
        return { status: 'found', etag: headers.etag, last_modified: headers['last-modified'] };
      }
      response.destroy();
      if (statusCode === 304) return { status: 'unchanged' };
      if (statusCode === 404 || statusCode === 410) return { status: 'missing' };
      throw new DownloadError(`the server answered ${statusCode}`);
    }
    throw new DownloadError(`it leads on more than ${MAX_REDIRECTS} times`);
  } catch (error) {
    options.signal.throwIfAborted();
    const reason = deadline.aborted ? `took longer than ${options.timeoutMs / 1000} s` : error instanceof AddressError || error instanceof DownloadError ? error.message : `no answer (${messageOf(error)})`;
    throw new DownloadError(`${shownUrl(at)}: ${reason}`, { cause: error });
  }
}

function redirected(from: string, location: string): string {
  if (!URL.canParse(location, from)) throw new DownloadError('it leads to what is no address');
  const target = new URL(location, from);
  if (target.protocol !== 'https:' && !(target.protocol === 'http:' && from.startsWith('http:'))) throw new DownloadError(`it leads to ${target.protocol}//, which is not followed`);
  return target.href;
}

/** User and password go to the origin that they were given for, and to no other. */
async function send(at: URL, first: URL, guard: AddressGuard, signal: AbortSignal, known: DownloadOptions['known']): Promise<IncomingMessage> {
  const addresses = await guard.resolve(at.hostname);
  const credentials = at.origin === first.origin && first.username !== '' ? { auth: `${decodeURIComponent(first.username)}:${decodeURIComponent(first.password)}` } : {};
  return new Promise((resolve, reject) => {
    const request = (at.protocol === 'https:' ? requestHttps : requestHttp)({
      hostname: at.hostname.replace(/^\[(.*)\]$/, '$1'), port: at.port, path: `${at.pathname}${at.search}`, signal, agent: false, timeout: IDLE_MS, ...credentials,
      headers: {
        'User-Agent': 'sca-portal', 'Accept-Encoding': 'identity',
        ...(known?.etag === undefined ? {} : { 'If-None-Match': known.etag }), ...(known?.last_modified === undefined ? {} : { 'If-Modified-Since': known.last_modified }),
      },
      lookup: (_host, { all }, done) => {
        const [one] = addresses;
        if (all === true) done(null, addresses);
        else done(null, one?.address ?? '', one?.family);
      },
    }, resolve);
    request.on('timeout', () => request.destroy(new Error(`nothing came for ${IDLE_MS / 1000} s`))).on('error', reject).end();
  });
}

/** Ends with an error where more comes than is allowed, and where the source breaks off. */
function bounded(maxBytes: number, source: IncomingMessage): Readable {
  let bytes = 0;
  const through = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > maxBytes) done(new DownloadError(`is larger than ${maxBytes} bytes`));
      else done(null, chunk);
    },
  });
  source.on('error', (error) => through.destroy(error));
  through.on('close', () => source.destroy());
  source.pipe(through);
  return through;
}
