/**
 * An HTTP proxy on loopback, for one run of a program that follows redirects and asks the name service by itself. Each connection is judged here:
 * the name is resolved once, its addresses are held against the guard, and one of those is connected to. What came through is counted and cut at a limit.
 */
import { randomBytes } from 'node:crypto';
import { createServer, request as requestHttp, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { AddressError, type AddressGuard } from './addresses.ts';

export interface GuardedProxy {
  /** With the password without which nobody is served: http://portal:...@127.0.0.1:port */
  url: string;
  /** Why a connection was refused or cut; the first reason. */
  fault: () => AddressError | ProxyLimit | null;
  stop: () => Promise<void>;
}

/** More came through than was allowed. */
export class ProxyLimit extends Error {}

const CONNECT_TIMEOUT_MS = 15_000;
/** Headers that are between the program and this proxy (RFC 9110 section 7.6.1). */
const HOP_BY_HOP: ReadonlySet<string> = new Set(['proxy-authorization', 'proxy-connection', 'connection', 'keep-alive', 'te', 'trailer', 'upgrade']);

export async function startGuardedProxy(guard: AddressGuard, maxBytes: number): Promise<GuardedProxy> {
  const password = randomBytes(24).toString('hex');
  const isOurs = ({ headers }: IncomingMessage): boolean => headers['proxy-authorization'] === `Basic ${Buffer.from(`portal:${password}`).toString('base64')}`;
  const open = new Set<Duplex>();
  let fault: AddressError | ProxyLimit | null = null;
  let bytes = 0;
  let stopped = false;
  const count = (source: Duplex | IncomingMessage): void => {
    source.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxBytes) return;
      fault ??= new ProxyLimit(`more than ${maxBytes} bytes`);
      for (const one of open) one.destroy();
    });
  };
  const hold = (socket: Duplex): void => {
    open.add(socket);
    socket.on('error', () => undefined).on('close', () => open.delete(socket));
  };
  const reach = async (host: string, port: number, client: Duplex): Promise<Socket> => {
    try {
      const socket = await connectFirst((await guard.resolve(host)).map(({ address }) => address), port);
      hold(socket);
      if (stopped || client.destroyed) {
        socket.destroy();
        throw new Error('nobody waits for it any more');
      }
      return socket;
    } catch (error) {
      if (error instanceof AddressError) fault ??= error;
      throw error;
    }
  };
  const tunnel = async (request: IncomingMessage, client: Duplex, head: Buffer): Promise<void> => {
    const target = URL.canParse(`http://${request.url ?? ''}`) ? new URL(`http://${request.url ?? ''}`) : null;
    if (!isOurs(request) || target === null) return void client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    const server = await reach(target.hostname, Number(target.port === '' ? 80 : target.port), client).catch(() => null);
    if (server === null) return void client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
    client.write('HTTP/1.1 200 Connection established\r\n\r\n');
    server.write(head);
    count(server);
    server.pipe(client).pipe(server);
    server.once('close', () => client.destroy());
    client.once('close', () => server.destroy());
  };
  const forward = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const target = URL.canParse(request.url ?? '') ? new URL(request.url ?? '') : null;
    if (!isOurs(request) || target?.protocol !== 'http:') return void response.writeHead(407).end();
    const socket = await reach(target.hostname, Number(target.port === '' ? 80 : target.port), request.socket).catch(() => null);
    if (socket === null) return void response.writeHead(502).end();
    const upstream = requestHttp({ createConnection: () => socket, method: request.method, path: `${target.pathname}${target.search}`, headers: onward(request, target.host) }, (answer) => {
      count(answer);
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.on('error', () => response.destroy()).pipe(response);
    });
    upstream.on('error', () => response.destroy());
    request.pipe(upstream);
  };
  const server = createServer((request, response) => void forward(request, response));
  server.on('connect', (request, socket, head) => {
    hold(socket);
    void tunnel(request, socket, head);
  });
  server.on('connection', hold);
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  return {
    url: `http://portal:${password}@127.0.0.1:${address.port}`,
    fault: () => fault,
    stop: () => new Promise((resolve) => {
      stopped = true;
      server.close(() => resolve());
      for (const one of open) one.destroy();
    }),
  };
}

function onward(request: IncomingMessage, host: string): OutgoingHttpHeaders {
  return { ...Object.fromEntries(Object.entries(request.headers).filter(([name]) => !HOP_BY_HOP.has(name))), host, connection: 'close' };
}

/** Tries the addresses in turn. */
async function connectFirst(addresses: readonly string[], port: number): Promise<Socket> {
  let last: unknown = new Error('no address');
  for (const host of addresses) {
    try {
      return await new Promise<Socket>((resolve, reject) => {
        const socket = connect({ host, port });
        socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy(new Error('no answer')));
        socket.once('error', reject).once('connect', () => {
          socket.setTimeout(0);
          socket.off('error', reject);
          resolve(socket);
        });
      });
    } catch (error) {
      last = error;
    }
  }
  throw last;
}
