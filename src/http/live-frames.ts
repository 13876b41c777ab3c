/** Frames of the WebSocket, in both directions, as the contract's ScanAuthFrame and ScanProgressFrame describe them. */
import type { RawData, WebSocket } from 'ws';
import { isRecord } from '../core/values.ts';
import type { ScanProgress } from '../db/scans.ts';

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

const FINAL = new Set(['succeeded', 'failed', 'cancelled']);
export const isFinal = (status: string): boolean => FINAL.has(status);

/** A message of the progress channel; null where it is not one of ours. */
export function readProgress(payload: string): ProgressMessage | null {
  const message: unknown = JSON.parse(payload);
  if (!isRecord(message)) return null;
  const { scan_id, status, percent, step, ts } = message;
  if (typeof scan_id !== 'string' || typeof status !== 'string' || typeof percent !== 'number' || typeof step !== 'string' || typeof ts !== 'string') return null;
  return { scan_id, status, percent, step, ts };
}

/** A scan's row as a message. */
export function messageOf(scan: ScanProgress): ProgressMessage {
  return { scan_id: scan.id, status: scan.status, percent: scan.progress_percent, step: scan.current_step ?? scan.status, ts: scan.updated_at };
}

/** The final state is the step of the last frame. */
export function textOf({ status, step, ts }: ProgressMessage, percent: number): string {
  const frame: ProgressFrame = { percent, step: isFinal(status) ? status : step, ts };
  return JSON.stringify(frame);
}

/** The first frame; null where none came in time. */
export function firstFrame(socket: WebSocket, timeoutMs: number): Promise<RawData | null> {
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

/** The token of `{"type": "auth", "token": "..."}`; null for anything else. */
export function tokenOf(data: RawData): string | null {
  try {
    const bytes = Array.isArray(data) ? Buffer.concat(data) : Buffer.isBuffer(data) ? data : Buffer.from(data);
    const frame: unknown = JSON.parse(bytes.toString('utf8'));
    if (!isRecord(frame) || frame['type'] !== 'auth') return null;
    return typeof frame['token'] === 'string' ? frame['token'] : null;
  } catch {
    return null;
  }
}
