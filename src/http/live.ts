/**
 * The WebSocket `/ws/scans/{scan_id}`: the first frame authenticates, one frame tells where the scan stands, then live frames follow until
 * the last one. A socket listens before it looks, so that nothing falls between the two. What processes must agree on, the limit of a user or key, is in the database.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { uuidv7 } from '../core/ids.ts';
import { enterSocket, EVICTED_CHANNEL, forgetProcess, leaveSocket, seeProcess, socketsOfProcess } from '../db/live-sockets.ts';
import { PROGRESS_CHANNEL } from '../db/scan-states.ts';
import { findScan, progressOf } from '../db/scans.ts';
import type { Services } from '../domain/context.ts';
import { ACTOR_CHANNEL, SCOPE_CHANNEL, type Caches } from './caches.ts';
import type { AddressOf } from './client-address.ts';
import { firstFrame, messageOf, readProgress, tokenOf } from './live-frames.ts';
import { createRights } from './live-rights.ts';
import { send, Viewers, type Viewer } from './live-viewers.ts';
import { canonicalPath } from './paths.ts';

export interface LiveOptions {
  services: Services;
  caches: Caches;
  corsOrigins: readonly string[];
  addressOf: AddressOf;
}

export interface Live {
  /** A message of the database: progress, a socket to be closed, rights that have changed. Comes after the caches have heard of it. */
  heard: (channel: string, payload: string) => void;
  /** After the channel was away: every socket looks again at its scan and at its rights. */
  resync: () => void;
  /** Sockets that are open now. */
  open: () => number;
  close: () => Promise<void>;
}

const PATH = /^\/ws\/scans\/([^/]+)$/;
const MAX_FRAME_BYTES = 8 * 1024;
/** Longest time that setTimeout can wait. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

export function serveLive(server: Server, { services, caches, corsOrigins, addressOf }: LiveOptions): Live {
  const { db, log, config, now } = services;
  const rightOf = createRights(services, caches);
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME_BYTES, perMessageDeflate: false });
  const viewers = new Viewers();
  const processId = uuidv7(now().getTime());
  let registered: Promise<void> | null = null;

  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    stream.on('error', () => stream.destroy());
    const scanId = PATH.exec(canonicalPath((request.url ?? '').split('?')[0] ?? ''))?.[1];
    if (scanId === undefined) return refuseUpgrade(stream, '404 Not Found');
    const origin = request.headers.origin;
    if (origin !== undefined && !sameOrigin(origin, request.headers.host) && !corsOrigins.includes(origin)) return refuseUpgrade(stream, '403 Forbidden');
    sockets.handleUpgrade(request, stream, head, (socket) => void greet(socket, scanId.toLowerCase(), addressOf(request.socket.remoteAddress, forwardedFor(request))));
  });

  const greet = async (socket: WebSocket, scanId: string, ip: string): Promise<void> => {
    socket.on('error', () => socket.terminate());
    const first = await firstFrame(socket, config.WEBSOCKET_AUTH_TIMEOUT_SECONDS * 1000);
    if (first === null) return socket.close(1008, 'auth_timeout');
    try {
      const token = tokenOf(first);
      const right = await rightOf(token, scanId, ip);
      if (right.refused !== null || token === null) return socket.close(1008, right.refused ?? 'auth_invalid');
      const { actor } = right;
      const viewer: Viewer = { id: uuidv7(now().getTime()), socket, userId: actor.userId, keyId: actor.kind === 'api_key' ? actor.keyId : null, ip, token, scanId, openedAt: now(), percent: -1, finished: false, alive: true };
      await enter(viewer, right.expiresAt);
      await show(viewer);
    } catch (error) {
      log.warn({ err: error }, 'a live connection failed');
      socket.close(1011, 'internal');
    }
  };

  const enter = async (viewer: Viewer, expiresAt: number | null): Promise<void> => {
    const { socket } = viewer;
    if (socket.readyState !== socket.OPEN) return; // it went while its rights were looked up: nothing would ever take it out again
    const leftMs = (expiresAt ?? Infinity) - now().getTime();
    const expiry = leftMs <= MAX_TIMEOUT_MS ? setTimeout(() => socket.close(1008, 'token_expired'), leftMs) : undefined; // no scan outlives the longest timer
    viewers.add(viewer);
    socket.on('pong', () => {
      viewer.alive = true;
    });
    socket.once('close', () => {
      clearTimeout(expiry);
      viewers.remove(viewer);
      leaveSocket(db, viewer.id).catch((error: unknown) => log.debug({ err: error }, 'a closed socket counts until its process is seen again'));
    });
    await count(viewer);
  };

  /** The limit holds over all processes; those beyond it hear of it like everybody else, by the channel. */
  const count = async (viewer: Viewer): Promise<void> => {
    registered ??= seeProcess(db, processId).catch((error: unknown) => {
      registered = null;
      throw error;
    });
    await registered;
    const [ownerId, most] = viewer.keyId === null ? [viewer.userId, config.WEBSOCKET_MAX_CONNECTIONS_PER_USER] : [viewer.keyId, config.WEBSOCKET_MAX_CONNECTIONS_PER_KEY];
    await enterSocket(db, processId, { id: viewer.id, ownerId, openedAt: viewer.openedAt }, most);
    if (viewer.socket.readyState !== viewer.socket.OPEN) await leaveSocket(db, viewer.id); // it closed while it was counted
  };

  /** The scan as it stands now. */
  const show = async (viewer: Viewer): Promise<void> => {
    const scan = await findScan(db, viewer.scanId);
    if (scan === undefined) viewer.socket.close(1008, 'not_found');
    else send(viewer, messageOf(scan));
  };

  /** Rights may have changed: a session ended, a role taken away, a project moved or deleted. */
  const review = async (some: Iterable<Viewer>): Promise<void> => {
    for (const viewer of some) {
      const { refused } = await rightOf(viewer.token, viewer.scanId, viewer.ip);
      if (refused !== null) viewer.socket.close(1008, refused);
    }
  };

  /** What the channel may have failed to tell: where scans stand, which are gone, which sockets count no longer. */
  const lookAgain = async (): Promise<void> => {
    const scans = viewers.scans();
    if (scans.length === 0) return;
    const found = await progressOf(db, scans);
    for (const scan of found) viewers.publish(messageOf(scan));
    const there = new Set(found.map(({ id }) => id));
    for (const scanId of scans) if (!there.has(scanId)) for (const { socket } of viewers.ofScan(scanId)) socket.close(1008, 'not_found');
    await seeProcess(db, processId);
    const counted = await socketsOfProcess(db, processId);
    for (const viewer of [...viewers.all()]) if (!counted.has(viewer.id)) await count(viewer);
  };
  const quietly = (work: Promise<unknown>): void => void work.catch((error: unknown) => log.debug({ err: error }, 'live connections could not be brought up to date'));

  const heartbeat = setInterval(() => {
    for (const viewer of viewers.all()) {
      if (!viewer.alive) viewer.socket.terminate();
      viewer.alive = false;
      viewer.socket.ping();
    }
    quietly(lookAgain());
  }, config.WEBSOCKET_HEARTBEAT_SECONDS * 1000);
  heartbeat.unref();

  return {
    heard: (channel, payload) => {
      if (channel === PROGRESS_CHANNEL) {
        const message = readProgress(payload);
        if (message !== null) viewers.publish(message);
      } else if (channel === EVICTED_CHANNEL) viewers.find(payload)?.socket.close(1001, 'newer_connection');
      else if (channel === ACTOR_CHANNEL) quietly(review(viewers.ofUser(payload)));
      else if (channel === SCOPE_CHANNEL) quietly(review([...viewers.all()]));
    },
    resync: () => {
      quietly(lookAgain());
      quietly(review([...viewers.all()]));
    },
    open: () => sockets.clients.size,
    close: async () => {
      clearInterval(heartbeat);
      for (const socket of sockets.clients) socket.close(1001, 'server_stopping');
      const cut = setTimeout(() => sockets.clients.forEach((socket) => socket.terminate()), 1000);
      await new Promise<void>((resolve) => sockets.close(() => resolve()));
      clearTimeout(cut);
      if (registered !== null) await forgetProcess(db, processId).catch((error: unknown) => log.debug({ err: error }, 'the sockets of this process count a while longer'));
    },
  };
}

function sameOrigin(origin: string, host: string | undefined): boolean {
  try {
    return new URL(origin).host === host;
  } catch {
    return false;
  }
}

function forwardedFor({ headers }: IncomingMessage): string | undefined {
  const hops = headers['x-forwarded-for'];
  return Array.isArray(hops) ? hops.join(',') : hops;
}

function refuseUpgrade(stream: Duplex, status: string): void {
  stream.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
