/** A run and its scan: it may be cancelled, taken over, out of time, or its worker may stop, at any moment. */
import { ownsScan, type ClaimedScan } from '../../db/scan-states.ts';
import type { Services } from '../context.ts';

/** This run no longer owns its scan: cancelled, or taken over. */
export class Superseded extends Error {}

const WATCH_MS = 400;

export interface Watch {
  /** Aborts with Superseded once the row says that this run no longer owns the scan, or with the given signal's reason. */
  signal: AbortSignal;
  stop: () => void;
}

/** Looks at the row, so that a cancel reaches the worker within a second, wherever it runs. A database that is away is no reason: the next step will see. */
export function watchOwnership({ db }: Pick<Services, 'db'>, scan: ClaimedScan, signal: AbortSignal): Watch {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const look = async (): Promise<void> => {
    const owns = await ownsScan(db, scan).catch(() => true);
    if (!owns) controller.abort(new Superseded());
    else if (!controller.signal.aborted) plan();
  };
  const plan = (): void => {
    timer = setTimeout(() => void look(), WATCH_MS);
  };
  plan();
  return {
    signal: AbortSignal.any([signal, controller.signal]),
    stop: () => {
      controller.abort();
      clearTimeout(timer);
    },
  };
}

/** The same bytes, until the signal aborts; then its reason is thrown. */
export async function* until<Chunk>(signal: AbortSignal, source: AsyncIterable<Chunk>): AsyncGenerator<Chunk> {
  for await (const chunk of source) {
    signal.throwIfAborted();
    yield chunk;
  }
}
