/** A proxy on loopback in front of a portal that stumbles as it is told: busy answers, connections that break before or after the portal has done its work, sockets that die. */
import { createServer, request as sendOn, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { atEnd } from './suite.ts';

export type Stumble =
  /** Answers instead of the portal. */
  | { answer: number; headers?: Record<string, string>; body?: string }
  /** The connection breaks before the portal hears of the request. */
  | 'break'
  /** It breaks after the portal has answered. */
  | 'break-after';

export interface StumblingProxy {
  url: string;
  /** Requests that came, as `GET /path`; sockets as `SOCKET /path`. */
  seen: string[];
  /** Idempotency-Keys that came. */
  keys: (string | undefined)[];
  /** What comes of the next requests to a path that begins so, one each. */
  stumble: (path: string, ...how: readonly Stumble[]) => void;
  /** Sockets are refused. */
  refuseSockets: boolean;
  /** Called for each piece that the portal sends over a socket; true: kills it. */
  killSocket: (piece: Buffer) => boolean;
}

export async function startStumblingProxy(portalPort: number): Promise<StumblingProxy> {
  const planned: { path: string; how: Stumble }[] = [];
  const open = new Set<Socket>();
  const server = createServer((request, response) => {
    proxy.seen.push(`${request.method ?? ''} ${request.url ?? ''}`);
    proxy.keys.push(headerOf(request, 'idempotency-key'));
    const at = planned.findIndex(({ path }) => (request.url ?? '').startsWith(path));
    const [plan] = at < 0 ? [] : planned.splice(at, 1);
    if (plan === undefined) pass(request, response, portalPort, false);
    else if (plan.how === 'break') request.socket.destroy();
    else if (plan.how === 'break-after') pass(request, response, portalPort, true);
    else {
      request.resume();
      response.writeHead(plan.how.answer, plan.how.headers).end(plan.how.body);
    }
  });
  server.on('connection', (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket)).on('error', () => socket.destroy());
  });
  server.on('upgrade', (request, socket, head) => {
    proxy.seen.push(`SOCKET ${request.url ?? ''}`);
    if (proxy.refuseSockets) return void socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    const portal = connect(portalPort, '127.0.0.1', () => {
      const headers = request.rawHeaders.flatMap((name, index, all) => (index % 2 === 0 ? [`${name}: ${all[index + 1] ?? ''}`] : []));
      portal.write(`${request.method ?? ''} ${request.url ?? ''} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`);
      portal.write(head);
      socket.pipe(portal);
    });
    portal.on('data', (piece: Buffer) => (proxy.killSocket(piece) ? socket.destroy() : socket.write(piece)));
    portal.on('error', () => socket.destroy()).on('close', () => socket.destroy());
    socket.on('error', () => portal.destroy()).on('close', () => portal.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  const proxy: StumblingProxy = {
    url: `http://127.0.0.1:${portOf(server.address())}`, seen: [], keys: [], refuseSockets: false, killSocket: () => false,
    stumble: (path, ...how) => void planned.push(...how.map((one) => ({ path, how: one }))),
  };
  return proxy;
}

function pass(request: IncomingMessage, response: ServerResponse, port: number, breakAfter: boolean): void {
  const onward = sendOn({ port, host: '127.0.0.1', method: request.method, path: request.url, headers: request.headers }, (answer) => {
    if (breakAfter) {
      answer.resume().on('end', () => request.socket.destroy());
      return;
    }
    response.writeHead(answer.statusCode ?? 500, answer.rawHeaders);
    answer.pipe(response);
  });
  onward.on('error', () => request.socket.destroy());
  request.pipe(onward);
}

const headerOf = ({ headers }: IncomingMessage, name: string): string | undefined => {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
};
const portOf = (address: AddressInfo | string | null): number => (typeof address === 'object' && address !== null ? address.port : 0);
