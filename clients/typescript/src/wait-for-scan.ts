/** Follows a scan to its end: over the portal's WebSocket where the client may open one (Node 20 has none), else, and when that breaks, by asking. */
import { unwrap, type PortalClient, type Schema } from './client.ts';
import { isRecord, PortalTimeout } from './problem.ts';

export interface Progress {
  percent: number;
  /** What runs: a step, `queued`, `running`; at last `succeeded`, `failed` or `cancelled`. */
  step: string;
}

export interface WaitOptions {
  /** Time limit; 30 minutes unless said. */
  timeoutMs?: number;
  /** Called when something has changed. */
  onProgress?: (progress: Progress) => void;
  signal?: AbortSignal;
  /** How often to ask where there is no socket: at first, and at most. */
  pollMs?: readonly [first: number, longest: number];
}

const HALF_AN_HOUR_MS = 1_800_000;
const POLL_MS = [250, 5_000] as const;
const POLL_GROWTH = 1.5;
/** A socket that says nothing for so long may be dead without knowing it: asking is cheap. */
const SILENCE_MS = 20_000;
const FINAL: ReadonlySet<string> = new Set(['succeeded', 'failed', 'cancelled']);

/** The scan in its final state, which may be `failed`. Throws PortalTimeout, PortalProblem, PortalUnreachable, the signal's reason. */
export async function waitForScan(client: PortalClient, scanId: string, options: WaitOptions = {}): Promise<Schema<'Scan'>> {
  const limit = AbortSignal.timeout(options.timeoutMs ?? HALF_AN_HOUR_MS);
  const signal = options.signal === undefined ? limit : AbortSignal.any([options.signal, limit]);
  const tell = onChange(options.onProgress ?? (() => undefined));
  try {
    if (client.session.kind !== 'anonymous' && 'WebSocket' in globalThis) await watch(client, scanId, tell, signal);
    return await poll(client, scanId, tell, signal, options.pollMs ?? POLL_MS);
  } catch (error) {
    if (limit.aborted && options.signal?.aborted !== true) throw new PortalTimeout(`The scan ${scanId} has not ended in time; it goes on at the portal.`, { cause: error });
    throw error;
  }
}

/** Asks until the scan is over. */
async function poll(client: PortalClient, scanId: string, tell: (progress: Progress) => void, signal: AbortSignal, [first, longest]: readonly [number, number]): Promise<Schema<'Scan'>> {
  for (let pause = first; ; pause = Math.min(longest, pause * POLL_GROWTH)) {
    const scan = await unwrap(client.GET('/v1/scans/{id}', { params: { path: { id: scanId } }, signal }));
    const over = FINAL.has(scan.status);
    tell({ percent: scan.progress_percent, step: over ? scan.status : (scan.current_step ?? scan.status) });
    if (over) return scan;
    await client.clock.sleep(pause, signal);
  }
}

/** Resolves when the socket has told the end, or is of no more use. */
async function watch(client: PortalClient, scanId: string, tell: (progress: Progress) => void, signal: AbortSignal): Promise<void> {
  const token = await client.session.token();
  signal.throwIfAborted();
  const socket = new WebSocket(`${client.baseUrl.replace(/^http/, 'ws')}/ws/scans/${encodeURIComponent(scanId)}`);
  let done = (): void => undefined;
  const over = new Promise<void>((resolve) => {
    done = resolve; // Promise.withResolvers is not in Node 20
  });
  const silence = setTimeout(done, SILENCE_MS);
  socket.addEventListener('open', () => socket.send(JSON.stringify({ type: 'auth', token })));
  socket.addEventListener('message', ({ data }) => {
    silence.refresh();
    const frame = progressOf(data);
    if (frame !== null) tell(frame);
    if (frame === null || FINAL.has(frame.step)) done();
  });
  for (const end of ['close', 'error']) socket.addEventListener(end, done);
  signal.addEventListener('abort', done, { once: true });
  await over;
  clearTimeout(silence);
  signal.removeEventListener('abort', done);
  socket.close();
}

/** A frame of the portal; null for anything else. */
export function progressOf(data: unknown): Progress | null {
  if (typeof data !== 'string') return null;
  try {
    const frame: unknown = JSON.parse(data);
    return isRecord(frame) && typeof frame['percent'] === 'number' && typeof frame['step'] === 'string' ? { percent: frame['percent'], step: frame['step'] } : null;
  } catch {
    return null;
  }
}

/** Passes on what is new. */
function onChange(tell: (progress: Progress) => void): (progress: Progress) => void {
  let last = '';
  return ({ percent, step }) => {
    const now = `${percent} ${step}`;
    if (now !== last) tell({ percent, step });
    last = now;
  };
}
