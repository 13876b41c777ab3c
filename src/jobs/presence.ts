/** A worker process writes down that it lives, every few seconds, for the health page; one that is killed is missed soon. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { pid } from 'node:process';
import { messageOf } from '../core/values.ts';
import { forgetWorker, noteWorker } from '../db/health.ts';
import type { Services } from '../domain/context.ts';

const EVERY_MS = 10_000;

export interface Presence {
  stop: () => Promise<void>;
}

/** Resolves when the process has been noted for the first time. */
export async function keepPresence({ db, log, now }: Pick<Services, 'db' | 'log' | 'now'>): Promise<Presence> {
  const worker = { id: randomUUID(), host: hostname(), pid, startedAt: now() };
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  const note = async (): Promise<void> => {
    await noteWorker(db, worker).catch((error: unknown) => log.debug(`this worker could not be noted: ${messageOf(error)}`));
    if (!stopped) timer = setTimeout(() => { running = note(); }, EVERY_MS);
  };
  running = note();
  await running;
  return {
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await running;
      await forgetWorker(db, worker.id).catch(() => undefined); // the database may have gone first; the row grows old by itself
    },
  };
}
