/** pg-boss: enqueueing in the caller's transaction, and the worker that runs the jobs. */
import { PgBoss, fromKysely } from 'pg-boss';
import type { TextMapPropagator, TracerProvider } from '@opentelemetry/api';
import type { Logger } from 'pino';
import { Stopping } from '../core/errors.ts';
import type { Config } from '../config.ts';
import type { Services } from '../domain/context.ts';
import type { JobName } from './catalogue.ts';
import type { JobDefinition } from './job.ts';
import { ageGatesJob, evaluateGatesJob } from './evaluate-gates.ts';
import { deliverNoticesJob } from './deliver-notices.ts';
import { expireSuppressionsJob } from './expire-suppressions.ts';
import { makeBackupJob, restoreBackupJob, sweepBackupsJob } from './backups.ts';
import { judgeLicensesJob, lapseLicensePoliciesJob } from './judge-licenses.ts';
import { rekeyVersionsJob } from './rekey-versions.ts';
import { rotateSigningKeysJob } from './rotate-signing-keys.ts';
import { reportScanJob } from './report-scan.ts';
import { giveUpScanJob, runScanJob } from './run-scan.ts';
import { sendMailJob } from './send-mail.ts';
import { sendMessagesJob } from './send-messages.ts';
import { sweepScansJob } from './sweep-scans.ts';
import { sweepExpiredJob } from './sweep-expired.ts';
import { syncVulndbJob } from './sync-vulndb.ts';
import { takeUpPushesJob } from './take-up-pushes.ts';

export interface Queue {
  enqueue: Services['enqueue'];
  /** Starts running jobs. */
  work: (services: Services) => Promise<void>;
  /** Lets running jobs finish for so long, then stops. */
  stop: (timeoutMs: number) => Promise<void>;
}

const SCHEMA = 'pgboss';

/** What pg-boss needs to trace jobs; its spans go on with the trace in which a job was sent. */
export interface QueueTracing {
  provider: TracerProvider;
  propagator: TextMapPropagator;
}

/** @param works false for a process that only enqueues */
export async function startQueue(url: string, works: boolean, config: Config, log: Logger, tracing: QueueTracing | null = null): Promise<Queue> {
  const boss = new PgBoss({
    connectionString: url, schema: SCHEMA, application_name: works ? 'sca-portal worker queue' : 'sca-portal queue', max: works ? 4 : 2,
    supervise: works, schedule: works, useListenNotify: works, superviseIntervalSeconds: 5, monitorIntervalSeconds: 5,
    openTelemetry: tracing === null ? { enabled: false } : { tracerProvider: tracing.provider, propagator: tracing.propagator, propagateContext: true },
  });
  const stopping = new AbortController();
  boss.on('error', (error) => log.warn({ err: error }, 'job queue'));
  boss.on('warning', (warning) => log.warn({ warning }, 'job queue'));
  await boss.start();
  await declareQueues(boss, config); // both roles: a job can be sent before any worker runs
  return {
    enqueue: async (tx, name, payload, options) => {
      const id = await boss.send(name, payload, { db: fromKysely(tx), ...(options === undefined ? {} : { group: { id: options.group } }) });
      if (id === null) throw new Error(`the job ${name} was not queued`);
      return id;
    },
    work: async (services) => {
      await work(boss, services, giveUpScanJob, stopping.signal);
      await work(boss, services, runScanJob, stopping.signal);
      await work(boss, services, sweepScansJob, stopping.signal);
      await work(boss, services, takeUpPushesJob, stopping.signal);
      await work(boss, services, reportScanJob, stopping.signal);
      await work(boss, services, sendMailJob, stopping.signal);
      await work(boss, services, judgeLicensesJob, stopping.signal);
      await work(boss, services, lapseLicensePoliciesJob, stopping.signal);
      await work(boss, services, sweepExpiredJob, stopping.signal);
      await work(boss, services, rotateSigningKeysJob, stopping.signal);
      await work(boss, services, evaluateGatesJob, stopping.signal);
      await work(boss, services, ageGatesJob, stopping.signal);
      await work(boss, services, expireSuppressionsJob, stopping.signal);
      await work(boss, services, deliverNoticesJob, stopping.signal);
      await work(boss, services, sendMessagesJob, stopping.signal);
      await work(boss, services, syncVulndbJob, stopping.signal);
      await work(boss, services, rekeyVersionsJob, stopping.signal);
      await work(boss, services, makeBackupJob, stopping.signal);
      await work(boss, services, restoreBackupJob, stopping.signal);
      await work(boss, services, sweepBackupsJob, stopping.signal);
    },
    stop: (timeoutMs) => {
      stopping.abort(new Stopping());
      return boss.stop({ graceful: true, close: true, timeout: timeoutMs });
    },
  };
}

/** The shortest that pg-boss knows: a worker that was killed is missed after so long, whatever it ran. */
const HEARTBEAT_SECONDS = 10;

/** Makes the queues that are missing, and brings those of earlier releases up to date; jobs that are queued keep the options of their time. */
async function declareQueues(boss: PgBoss, config: Config): Promise<void> {
  const queues = new Map((await boss.getQueues()).map((queue) => [queue.name, new Map(Object.entries(queue))]));
  for (const job of JOBS) {
    const { policy, ...others }: ReturnType<JobDefinition<JobName>['options']> = job.options(config);
    const options = { heartbeatSeconds: HEARTBEAT_SECONDS, ...others, notify: true };
    const known = queues.get(job.name);
    if (known === undefined) await boss.createQueue(job.name, policy === undefined ? options : { ...options, policy });
    else if (Object.entries(options).some(([name, value]) => known.get(name) !== value)) await boss.updateQueue(job.name, options);
  }
}

const JOBS = [giveUpScanJob, runScanJob, sweepScansJob, takeUpPushesJob, reportScanJob, sendMailJob, judgeLicensesJob, lapseLicensePoliciesJob, sweepExpiredJob, rotateSigningKeysJob, evaluateGatesJob, ageGatesJob, expireSuppressionsJob, deliverNoticesJob, sendMessagesJob, syncVulndbJob, rekeyVersionsJob, makeBackupJob, restoreBackupJob, sweepBackupsJob] as const;

async function work<Name extends JobName>(boss: PgBoss, services: Services, job: JobDefinition<Name>, stopping: AbortSignal): Promise<void> {
  for (let count = 0; count < job.concurrency(services.config); count += 1) await startWorker(boss, services, job, stopping);
  const schedule = typeof job.schedule === 'function' ? job.schedule(services.config) : job.schedule;
  if (typeof schedule === 'string') await boss.schedule(job.name, schedule, job.scheduled ?? {});
  else if (schedule === null) await boss.unschedule(job.name);
}

/** One worker that runs one job after another. Each is woken at its own end: pg-boss would wait for the next poll though more jobs are queued. */
async function startWorker<Name extends JobName>(boss: PgBoss, services: Services, job: JobDefinition<Name>, stopping: AbortSignal): Promise<void> {
  const groupConcurrency = job.groupConcurrency?.(services.config);
  let id = '';
  id = await boss.work<Parameters<typeof job.run>[1]>(
    job.name,
    { batchSize: 1, pollingIntervalSeconds: 2, notifyPollingIntervalSeconds: 5, heartbeatRefreshSeconds: 3, ...(groupConcurrency === undefined ? {} : { groupConcurrency }) },
    async (jobs) => {
      for (const { id: jobId, data, signal } of jobs) {
        const log = services.log.child({ job: job.name, job_id: jobId });
        try {
          await services.telemetry.job(job.name, () => job.run({ ...services, log }, data, AbortSignal.any([signal, stopping])));
        } catch (error) {
          log.error({ err: error }, 'job failed');
          throw error;
        } finally {
          boss.notifyWorker(id);
        }
      }
    },
  );
}
