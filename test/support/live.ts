/** The WebSocket as a client sees it. */
import * as assert from 'uvu/assert';
import WebSocket from 'ws';
import document from '../../generated/openapi.json' with { type: 'json' };
import { isRecord } from '../../src/core/values.ts';
import { member } from './contract.ts';

export interface Watched {
  frames: { percent: number; step: string; ts: string }[];
  code: number;
  reason: string;
}

const { members: frameMembers, steps, closes } = protocol();

/** What the contract's x-websocket and ScanProgressFrame say. */
function protocol(): { members: string[]; steps: string[]; closes: string[] } {
  const operation = member(document, 'paths', '/v1/scans/{id}', 'get', 'x-websocket', 'close_codes');
  const properties = member(document, 'components', 'schemas', 'ScanProgressFrame', 'properties');
  const listed = member(properties, 'step', 'enum');
  assert.ok(isRecord(operation) && isRecord(properties) && Array.isArray(listed), 'the contract describes the protocol');
  return { members: Object.keys(properties).toSorted(), steps: listed.map(String), closes: Object.keys(operation) };
}

/** Holds a frame against the contract. */
function checked(data: Buffer): Watched['frames'][number] {
  const frame: unknown = JSON.parse(data.toString('utf8'));
  assert.ok(isRecord(frame));
  const { percent, step, ts } = frame;
  assert.equal(Object.keys(frame).toSorted(), frameMembers);
  assert.ok(typeof percent === 'number' && Number.isInteger(percent) && percent >= 0 && percent <= 100, `percent ${String(percent)}`);
  assert.ok(typeof step === 'string' && steps.includes(step), `step ${String(step)}`);
  assert.ok(typeof ts === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/.test(ts), `ts ${String(ts)}`);
  return { percent, step, ts };
}

/** Closed as the contract lists, or by the network (1006), or by the protocol itself. */
function checkClose(code: number, reason: string): void {
  if (code !== 1006 && code !== 1009) assert.ok(closes.includes(`${code} ${reason}`), `the contract does not list the close ${code} ${reason}`);
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
      try {
        frames.push(checked(data));
        onFrame();
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
        socket.terminate();
      }
    });
    socket.on('close', (code, reason) => {
      try {
        checkClose(code, reason.toString());
        resolve({ frames, code, reason: reason.toString() });
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
    socket.on('error', reject);
  });
}

export const authFrame = (token: string): string => JSON.stringify({ type: 'auth', token });
