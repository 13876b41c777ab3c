/** What scans leave behind, and scans that were left behind. Each part may run at any time, in several workers at once. */
import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../core/values.ts';
import { deleteEndedUploads, deleteOldScans, orphanedScans, requeueScan, runningScans } from '../../db/scan-sweep.ts';
import { setScanJob } from '../../db/scans.ts';
import { inTransaction } from '../../db/transaction.ts';
import type { Services } from '../context.ts';
import { endFailed } from './run.ts';

/** A scan that was taken up so often takes its worker down with it. */
const MAX_ATTEMPTS = 20;
/** A request that lasts longer than this is gone. */
const SPOOL_KEEP_MS = 6 * 3_600_000;
const UPLOAD_KEEP_HOURS = 24;

/** Folders of runs that no longer are: their worker was killed. Those of running scans, of other processes too, stay. */
export async function sweepWorkspaces({ config, db }: Pick<Services, 'config' | 'db'>): Promise<void> {
  const folder = path.join(config.DATA_DIR, 'workspace');
  const names = await namesIn(folder); // before the rows are read: a run claims its scan before it makes its folder
  if (names.length === 0) return;
  const running = new Set((await runningScans(db)).map(({ id, attempt }) => `${id}-${attempt}`));
  for (const name of names) if (!running.has(name)) await rm(path.join(folder, name), { recursive: true, force: true });
}

/** Uploads of requests whose process was killed. */
export async function sweepSpool({ config, now }: Pick<Services, 'config' | 'now'>): Promise<void> {
  const folder = path.join(config.DATA_DIR, 'spool');
  for (const name of await namesIn(folder)) {
    const file = path.join(folder, name);
    const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
    if (now().getTime() - mtimeMs > SPOOL_KEEP_MS) await rm(file, { force: true });
  }
}

/** Queued and running scans that no job speaks of any longer (jobs deleted by hand, a restored backup) get a new one, or end. */
export async function rescueOrphans(services: Services): Promise<void> {
  for (const { id, attempt } of await orphanedScans(services.db)) {
    services.log.warn({ scan_id: id, attempt }, 'a scan has no job any more');
    if (attempt >= MAX_ATTEMPTS) await endFailed(services, { id }, { code: 'internal', message: `The scan was taken up ${attempt} times and never came to an end. Queue it again; the log has the cause.` });
    else {
      await inTransaction(services.db, async (tx) => {
        const owner = await requeueScan(tx, { id, attempt });
        if (owner !== undefined) await setScanJob(tx, id, await services.enqueue(tx, 'run-scan', { scan_id: id }, { group: owner.teamId }));
      });
    }
  }
}

/** Ended scans beyond the newest of their ref, and uploads whose scan has ended a day ago. Each statement is small, so that no lock lasts. */
export async function sweepOldScans({ config, db }: Services, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && (await deleteOldScans(db, config.SCAN_RETENTION_PER_REF)) > 0);
  while (!signal.aborted && (await deleteEndedUploads(db, UPLOAD_KEEP_HOURS)) > 0);
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return []; // nothing was ever put there
    throw error;
  });
}
