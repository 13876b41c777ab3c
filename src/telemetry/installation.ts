/** Metrics that all processes of an installation share. They are read from the database once in a few seconds, however often and by however many they are asked for. */
import { Gauge, type Registry } from 'prom-client';
import type { InstallationState } from '../db/metrics.ts';

export interface Installation {
  /** Asks the database; throws where it does not answer. */
  read: () => Promise<InstallationState>;
  /** Bytes of the volume of DATA_DIR. Throws where it cannot be told. */
  disk: () => Promise<{ totalBytes: number; freeBytes: number }>;
  now: () => number;
}

/** Answers of the database, also that there is none, hold so long. */
const FRESH_MS = 5_000;
/** A scrape waits no longer; Prometheus gives up after 10 s unless told otherwise. */
const PATIENCE_MS = 2_000;
const ENDED = ['succeeded', 'failed', 'cancelled'] as const;

/** @returns what brings the gauges up to date, before they are read; never throws */
export function addInstallationMetrics(registers: Registry[], { read, disk, now }: Installation): () => Promise<void> {
  const gauge = <Label extends string>(name: string, help: string, ...labelNames: Label[]): Gauge<Label> => new Gauge({ registers, name, help, labelNames });
  const up = gauge('portal_database_up', '1 where the database answered this process within 2 seconds.');
  const queued = gauge('portal_queue_jobs', 'Jobs of each queue: ready to run, deferred, active, and failed for good (as long as they are kept).', 'queue', 'state');
  const oldest = gauge('portal_queue_oldest_job_seconds', 'How long the oldest job that could run has waited; 0 where none waits.', 'queue');
  const scans = gauge('portal_scans', 'Scans that wait or run.', 'state');
  const oldestScan = gauge('portal_scans_oldest_queued_seconds', 'How long the oldest queued scan has waited; 0 where none waits.');
  const ended = gauge('portal_scans_ended_last_hour', 'Scans that ended within the last hour.', 'state');
  const workers = gauge('portal_workers', 'Worker processes that were seen within a minute.');
  const sourceAge = gauge('portal_advisory_source_age_seconds', 'Time since each source of vulnerability data last came, with something new or not.', 'source');
  const sourceFailures = gauge('portal_advisory_source_failures', 'Tries of the source that have failed since it last came.', 'source');
  const sourceRecords = gauge('portal_advisory_source_records', 'Records of the source.', 'source');
  const single = [oldestScan, workers];
  const labelled = [queued, oldest, scans, ended, sourceAge, sourceFailures, sourceRecords];
  const volume = gauge('portal_data_volume_bytes', 'The volume of DATA_DIR.', 'state');

  const show = (state: InstallationState): void => {
    for (const one of labelled) one.reset(); // queues and sources may be gone
    for (const { queue, ready, deferred, active, failed, oldest_seconds: seconds } of state.queues) {
      queued.set({ queue, state: 'ready' }, ready);
      queued.set({ queue, state: 'deferred' }, deferred);
      queued.set({ queue, state: 'active' }, active);
      queued.set({ queue, state: 'failed' }, failed);
      oldest.set({ queue }, seconds);
    }
    scans.set({ state: 'queued' }, state.scans.queued);
    scans.set({ state: 'running' }, state.scans.running);
    oldestScan.set(state.scans.oldest_queued_seconds);
    for (const name of ENDED) ended.set({ state: name }, state.scans[name]);
    workers.set(state.workers);
    for (const { source, age_seconds: age, failures, records } of state.sources) {
      if (age !== null) sourceAge.set({ source }, age);
      sourceFailures.set({ source }, failures);
      sourceRecords.set({ source }, records);
    }
    up.set(1);
  };
  /** Old numbers would look like an installation that does well: none are better. */
  const hide = (): void => {
    for (const one of labelled) one.reset();
    for (const one of single) one.remove(); // a reset would make it 0
    up.set(0);
  };
  const refresh = async (): Promise<void> => {
    const [state, space] = await Promise.all([inTime(read()), disk().catch(() => null)]);
    if (state === null) hide();
    else show(state);
    volume.reset();
    if (space === null) return;
    volume.set({ state: 'total' }, space.totalBytes);
    volume.set({ state: 'free' }, space.freeBytes);
  };

  let latest: Promise<void> = Promise.resolve();
  let readAt = Number.NEGATIVE_INFINITY;
  return () => {
    if (now() - readAt >= FRESH_MS) {
      readAt = now();
      latest = refresh();
    }
    return latest;
  };
}

/** null where there is no answer in time. The question itself is given up by a limit of its own. */
async function inTime<T>(answer: Promise<T>): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), PATIENCE_MS);
  });
  return Promise.race([answer.catch(() => null), late]).finally(() => clearTimeout(timer));
}
