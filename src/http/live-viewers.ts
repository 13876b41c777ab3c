/** The sockets that watch scans in this process: by scan, by user, by id. */
import type { WebSocket } from 'ws';
import { isFinal, textOf, type ProgressMessage } from './live-frames.ts';

export interface Viewer {
  id: string;
  socket: WebSocket;
  /** Of an API key its issuer. */
  userId: string;
  /** Null where a user watches. */
  keyId: string | null;
  /** Address of the client. */
  ip: string;
  /** Looked at again when the user's rights change. */
  token: string;
  scanId: string;
  openedAt: Date;
  /** Of the last frame; -1 before the first. */
  percent: number;
  finished: boolean;
  /** Answered the last ping. */
  alive: boolean;
}

/** A reader this far behind is cut off; it reconnects and gets the present state. A frame has about 80 bytes. */
const MAX_BACKLOG_BYTES = 64 * 1024;

export class Viewers {
  readonly #byScan = new Map<string, Set<Viewer>>();
  readonly #byUser = new Map<string, Set<Viewer>>();
  readonly #byId = new Map<string, Viewer>();

  add(viewer: Viewer): void {
    this.#byId.set(viewer.id, viewer);
    put(this.#byScan, viewer.scanId, viewer);
    put(this.#byUser, viewer.userId, viewer);
  }

  remove(viewer: Viewer): void {
    this.#byId.delete(viewer.id);
    take(this.#byScan, viewer.scanId, viewer);
    take(this.#byUser, viewer.userId, viewer);
  }

  find(id: string): Viewer | undefined {
    return this.#byId.get(id);
  }

  all(): Iterable<Viewer> {
    return this.#byId.values();
  }

  scans(): string[] {
    return [...this.#byScan.keys()];
  }

  ofUser(userId: string): readonly Viewer[] {
    return [...(this.#byUser.get(userId) ?? [])];
  }

  ofScan(scanId: string): readonly Viewer[] {
    return [...(this.#byScan.get(scanId) ?? [])];
  }

  /** Sends a message to all who watch its scan. A frame is written once for all that stand at the same percent. */
  publish(message: ProgressMessage): void {
    const texts = new Map<number, string>();
    for (const viewer of this.ofScan(message.scan_id)) send(viewer, message, texts);
  }
}

/** Percent never goes back, also where another worker has taken the scan over, and nothing follows the final frame. */
export function send(viewer: Viewer, message: ProgressMessage, texts = new Map<number, string>()): void {
  if (viewer.finished) return;
  const final = isFinal(message.status);
  if (message.percent < viewer.percent && !final) return;
  const percent = Math.max(viewer.percent, message.percent);
  viewer.percent = percent;
  viewer.finished = final;
  if (viewer.socket.bufferedAmount > MAX_BACKLOG_BYTES) return viewer.socket.terminate();
  const text = texts.get(percent) ?? textOf(message, percent);
  texts.set(percent, text);
  viewer.socket.send(text);
  if (final) viewer.socket.close(1000, 'scan_finished');
}

function put<Key>(map: Map<Key, Set<Viewer>>, key: Key, viewer: Viewer): void {
  const set = map.get(key) ?? new Set();
  set.add(viewer);
  map.set(key, set);
}

function take<Key>(map: Map<Key, Set<Viewer>>, key: Key, viewer: Viewer): void {
  const set = map.get(key);
  set?.delete(viewer);
  if (set?.size === 0) map.delete(key);
}
