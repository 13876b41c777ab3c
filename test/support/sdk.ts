/** The TypeScript client for tests: its pauses take no time, but are noted, and its clock can be set ahead. */
import { createPortalClient, type Credential, type PortalClient } from '../../clients/typescript/src/index.ts';

export interface TestClient {
  client: PortalClient;
  /** Milliseconds. */
  pauses: number[];
  clock: { aheadMs: number };
}

export function openClient(baseUrl: string, credential: Credential): TestClient {
  const pauses: number[] = [];
  const clock = { aheadMs: 0 };
  const sleep = (ms: number, signal?: AbortSignal): Promise<void> => {
    pauses.push(ms);
    signal?.throwIfAborted();
    return new Promise((resolve) => setImmediate(resolve));
  };
  return { client: createPortalClient({ baseUrl, ...credential, clock: { now: () => Date.now() + clock.aheadMs, sleep } }), pauses, clock };
}
