/**
 * The WebSocket `/ws/scans/{scan_id}`: the first frame authenticates, one frame tells where the scan stands, then live frames follow until
 * the last one. A socket listens before it looks, so that nothing falls between the two.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import { allows, type Scope } from '../core/permissions.ts';
import type { Actor } from '../core/actor.ts';
import { isUuid } from '../core/ids.ts';
import { findScan, type ScanRow } from '../db/scans.ts';
import { isRecord } from '../core/values.ts';
import type { Services } from '../domain/context.ts';
import { authenticate } from './authenticate.ts';
import type { Caches } from './caches.ts';
import { canonicalPath } from './paths.ts';

/** A frame as the customer wrote it. */
export interface ProgressFrame {
  percent: number;
  step: string;
  /** RFC 3339. */
  ts: string;
}

/** A frame as it travels between processes. */
export interface ProgressMessage extends ProgressFrame {
  scan_id: string;
  status: string;
}

/** A message of the progress channel; null where it is not one of ours. */
export function readProgress(payload: string): ProgressMessage | null {
  const message: unknown = JSON.parse(payload);
  if (!isRecord(message)) return null;
  const { scan_id, status, percent, step, ts } = message;
  if (typeof scan_id !== 'string' || typeof status !== 'string' || typeof percent !== 'number' || typeof step !== 'string' || typeof ts !== 'string') return null;
  return { scan_id, status, percent, step, ts };
}

export interface LiveOptions {
  services: Services;
  caches: Caches;
  corsOrigins: readonly string[];
}

export interface Live {
  /** A message of the progress channel. */
  publish: (message: ProgressMessage) => void;
  /** After the channel was away: every socket looks again at its scan. */
  resync: () => void;
  close: () => Promise<void>;
}

interface Viewer {
  socket: WebSocket;
  userId: string;
  scanId: string;
  percent: number;
  finished: boolean;
}

const PATH = /^\/ws\/scans\/([^/]+)$/;
const FINAL = new Set(['succeeded', 'failed', 'cancelled']);
const HEARTBEAT_MS = 20_000;
const MAX_FRAME_BYTES = 8 * 1024;
/** A reader this far behind is cut off; it reconnects and gets the present state. */
const MAX_BACKLOG_BYTES = 1024 * 1024;

export function serveLive(server: Server, { services, caches, corsOrigins }: LiveOptions): Live {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME_BYTES, perMessageDeflate: false });
  const byScan = new Map<string, Set<Viewer>>();
  const byUser = new Map<string, Viewer[]>();

  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    stream.on('error', () => stream.destroy());
    const scanId = PATH.exec(canonicalPath((request.url ?? '').split('?')[0] ?? ''))?.[1];
    if (scanId === undefined) return refuseUpgrade(stream, '404 Not Found');
    const origin = request.headers.origin;
    if (origin !== undefined && !sameOrigin(origin, request.headers.host) && !corsOrigins.includes(origin)) return refuseUpgrade(stream, '403 Forbidden');
    sockets.handleUpgrade(request, stream, head, (socket) => void greet(socket, scanId));
  });

  const greet = async (socket: WebSocket, scanId: string): Promise<void> => {
    socket.on('error', () => socket.terminate());
    const first = await firstFrame(socket, services.config.WEBSOCKET_AUTH_TIMEOUT_SECONDS * 1000);
    if (first === null) return socket.close(1008, 'auth_timeout');
    try {
      const token = tokenOf(first);
      const actor = token === null ? null : await authenticate(token, services.tokens, caches);
      if (actor === null || actor.kind !== 'user') return socket.close(1008, 'auth_invalid');
      const scope = isUuid(scanId) ? await caches.scope('scan', scanId) : undefined;
      if (scope === undefined) return socket.close(1008, 'not_found');
      if (!mayWatch(actor, scope)) return socket.close(1008, 'forbidden');
      const viewer: Viewer = { socket, userId: actor.userId, scanId: scanId.toLowerCase(), percent: -1, finished: false };
      enter(viewer);
      await show(viewer);
    } catch (error) {
      services.log.warn({ err: error }, 'a live connection failed');
      socket.close(1011, 'internal');
    }
  };

  const enter = (viewer: Viewer): void => {
    const own = byUser.get(viewer.userId) ?? [];
    own.push(viewer);
    byUser.set(viewer.userId, own);
    const watching = byScan.get(viewer.scanId) ?? new Set();
    watching.add(viewer);
    byScan.set(viewer.scanId, watching);
    viewer.socket.once('close', () => leave(viewer));
    while (own.length > services.config.WEBSOCKET_MAX_CONNECTIONS_PER_USER) {
      const oldest = own[0];
      if (oldest === undefined) break;
      leave(oldest);
      oldest.socket.close(1001, 'newer_connection');
    }
  };
  const leave = (viewer: Viewer): void => {
    const own = byUser.get(viewer.userId);
    if (own?.includes(viewer) === true) own.splice(own.indexOf(viewer), 1);
    if (own?.length === 0) byUser.delete(viewer.userId);
    const watching = byScan.get(viewer.scanId);
    watching?.delete(viewer);
    if (watching?.size === 0) byScan.delete(viewer.scanId);
  };

  /** The scan as it stands now. */
  const show = async (viewer: Viewer): Promise<void> => {
    const scan = await findScan(services.db, viewer.scanId);
    if (scan === undefined) viewer.socket.close(1008, 'not_found');
    else send(viewer, frameOf(scan), scan.status);
  };

  const heartbeat = setInterval(() => {
    for (const viewers of byScan.values()) for (const { socket } of viewers) socket.ping();
  }, HEARTBEAT_MS);
  heartbeat.unref();

  return {
    publish: ({ scan_id, status, percent, step, ts }) => {
      for (const viewer of byScan.get(scan_id) ?? []) send(viewer, { percent, step: FINAL.has(status) ? status : step, ts }, status);
    },
    resync: () => {
      for (const viewers of byScan.values()) {
        for (const viewer of viewers) show(viewer).catch((error: unknown) => services.log.debug({ err: error }, 'a live connection could not be brought up to date'));
      }
    },
    close: async () => {
      clearInterval(heartbeat);
      for (const socket of sockets.clients) socket.close(1001, 'server_stopping');
      const cut = setTimeout(() => sockets.clients.forEach((socket) => socket.terminate()), 1000);
      await new Promise<void>((resolve) => sockets.close(() => resolve()));
      clearTimeout(cut);
    },
  };
}

const mayWatch = (actor: Actor, scope: Scope): boolean => allows(actor, 'scan.read', scope);

function frameOf(scan: ScanRow): ProgressFrame {
  return { percent: scan.progress_percent, step: FINAL.has(scan.status) ? scan.status : (scan.current_step ?? scan.status), ts: scan.updated_at };
}

/** Percent never goes back, and nothing follows the final frame. */
function send(viewer: Viewer, frame: ProgressFrame, status: string): void {
  if (viewer.finished) return;
  const final = FINAL.has(status);
  if (frame.percent < viewer.percent && !final) return;
  viewer.percent = Math.max(viewer.percent, frame.percent);
  viewer.finished = final;
  if (viewer.socket.bufferedAmount > MAX_BACKLOG_BYTES) return viewer.socket.terminate();
  viewer.socket.send(JSON.stringify({ ...frame, percent: viewer.percent }));
  if (final) viewer.socket.close(1000, 'scan_finished');
}

function firstFrame(socket: WebSocket, timeoutMs: number): Promise<RawData | null> {
  return new Promise((resolve) => {
    const settle = (data: RawData | null): void => {
      clearTimeout(timer);
      socket.off('message', onMessage).off('close', onClose);
      resolve(data);
    };
    const onMessage = (data: RawData): void => settle(data);
    const onClose = (): void => settle(null);
    const timer = setTimeout(() => settle(null), timeoutMs);
    socket.on('message', onMessage).on('close', onClose);
  });
}

/** `{"type": "auth", "token": "..."}`; null for anything else. */
function tokenOf(data: RawData): string | null {
  try {
    const bytes = Array.isArray(data) ? Buffer.concat(data) : Buffer.isBuffer(data) ? data : Buffer.from(data);
    const frame: unknown = JSON.parse(bytes.toString('utf8'));
    if (typeof frame !== 'object' || frame === null || !('type' in frame) || frame.type !== 'auth') return null;
    return 'token' in frame && typeof frame.token === 'string' ? frame.token : null;
  } catch {
    return null;
  }
}

function sameOrigin(origin: string, host: string | undefined): boolean {
  try {
    return new URL(origin).host === host;
  } catch {
    return false;
  }
}

function refuseUpgrade(stream: Duplex, status: string): void {
  stream.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
