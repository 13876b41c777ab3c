/** The WebSocket as a client sees it. */
import WebSocket from 'ws';
import { isRecord } from '../../src/core/values.ts';

export interface Watched {
  frames: { percent: number; step: string; ts: string }[];
  code: number;
  reason: string;
}

/** Connects, sends `first` (nothing when null), and collects frames until the socket closes. @param onFrame called after each frame */
export function watch(baseUrl: string, path: string, first: string | null, onFrame: () => void = () => undefined): Promise<Watched> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(baseUrl.replace(/^http/, 'ws') + path);
    const frames: Watched['frames'] = [];
    socket.on('open', () => {
      if (first !== null) socket.send(first);
    });
    socket.on('message', (data: Buffer) => {
      const frame: unknown = JSON.parse(data.toString('utf8'));
      if (isRecord(frame)) frames.push({ percent: Number(frame['percent']), step: String(frame['step']), ts: String(frame['ts']) });
      onFrame();
    });
    socket.on('close', (code, reason) => resolve({ frames, code, reason: reason.toString() }));
    socket.on('error', reject);
  });
}

export const authFrame = (token: string): string => JSON.stringify({ type: 'auth', token });
