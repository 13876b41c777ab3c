/** What a job file says of its job. */
import type { QueueOptions, QueuePolicy } from 'pg-boss';
import type { Config } from '../config.ts';
import type { Services } from '../domain/context.ts';
import type { JobName, JobPayloads } from './catalogue.ts';

export interface JobDefinition<Name extends JobName> {
  name: Name;
  options: (config: Config) => QueueOptions & { deadLetter?: JobName; policy?: QueuePolicy };
  /** Jobs of this kind that one worker runs at a time. */
  concurrency: (config: Config) => number;
  /** Jobs of one group that run at a time, over all workers. */
  groupConcurrency?: (config: Config) => number;
  /** Cron expression (UTC) of a job that runs by itself; null: the settings do not want it. */
  schedule?: string | ((config: Config) => string | null);
  /** Of the scheduled ones. */
  scheduled?: JobPayloads[Name];
  /** Must bear being run again: a worker may die at any point. The signal aborts with Stopping when this worker stops, else when the job's time is over. */
  run: (services: Services, payload: JobPayloads[Name], signal: AbortSignal) => Promise<void>;
}
