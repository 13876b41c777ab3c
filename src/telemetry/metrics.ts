/**
 * Metrics of one process in Prometheus' text format. Labels come from closed lists (operations, jobs, queues, states, sources), so that no client can
 * make series; none is called `job` or `instance`, which are Prometheus' own. What the whole installation has in common comes from the database, by `InstallationMetrics`.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Exposition, RequestOutcome } from '../core/telemetry.ts';
import { addInstallationMetrics, type Installation } from './installation.ts';

export interface PoolState {
  totalCount: number;
  idleCount: number;
  waitingCount: number;
}

export interface MetricsOptions {
  version: string;
  role: string;
  /** The pool of database connections, and how many it may have. */
  pool: PoolState;
  poolLimit: number;
  installation: Installation;
}

export interface Metrics {
  /** The returned function is called when the answer is out. */
  request: (method: string) => (outcome: RequestOutcome) => void;
  /** The returned function is called when the job has ended. */
  job: (name: string) => (outcome: 'done' | 'failed') => void;
  countSockets: (count: () => number) => void;
  exposition: () => Promise<Exposition>;
  /** Every metric, with the names of its labels. */
  described: () => { name: string; labels: string[] }[];
}

/** Seconds. */
const REQUEST_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const JOB_BUCKETS = [0.01, 0.05, 0.25, 1, 5, 15, 60, 300, 900, 3600];
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** Label of what met no operation: unknown paths, documentation, pages. */
const NO_OPERATION = 'none';

export function createMetrics({ version, role, pool, poolLimit, installation }: MetricsOptions): Metrics {
  const registers = [new Registry()];
  const [registry] = registers;
  if (registry === undefined) throw new Error('unreachable');
  collectDefaultMetrics({ register: registry });
  new Gauge({ registers, name: 'portal_build_info', help: 'Always 1; what runs here.', labelNames: ['version', 'node', 'role'] }).set({ version, node: process.version, role }, 1);
  const requests = new Counter({ registers, name: 'portal_http_requests_total', help: 'Requests that were answered, by operationId, method and class of status (`aborted`: the client went first).', labelNames: ['operation', 'method', 'status'] });
  const durations = new Histogram({ registers, name: 'portal_http_request_duration_seconds', help: 'Time from the head of a request to the end of its answer.', labelNames: ['operation'], buckets: REQUEST_BUCKETS });
  const inFlight = new Gauge({ registers, name: 'portal_http_requests_in_flight', help: 'Requests under way.' });
  const jobs = new Counter({ registers, name: 'portal_jobs_total', help: 'Tries of jobs that ended in this process.', labelNames: ['queue', 'outcome'] });
  const jobDurations = new Histogram({ registers, name: 'portal_job_duration_seconds', help: 'Time that a try of a job took.', labelNames: ['queue'], buckets: JOB_BUCKETS });
  const running = new Gauge({ registers, name: 'portal_jobs_running', help: 'Jobs that run in this process.', labelNames: ['queue'] });
  const sockets = { count: (): number => 0 };
  new Gauge({ registers, name: 'portal_websockets_open', help: 'Open WebSockets of this process.', collect() { this.set(sockets.count()); } });
  new Gauge({
    registers, name: 'portal_database_pool_connections', help: 'Connections of the pool of this process.', labelNames: ['state'],
    collect() {
      this.set({ state: 'idle' }, pool.idleCount);
      this.set({ state: 'busy' }, pool.totalCount - pool.idleCount);
    },
  });
  new Gauge({ registers, name: 'portal_database_pool_limit', help: 'Connections that the pool may open (DATABASE_POOL_SIZE).' }).set(poolLimit);
  new Gauge({ registers, name: 'portal_database_pool_waiting', help: 'Statements and transactions that wait for a connection.', collect() { this.set(pool.waitingCount); } });
  const refresh = addInstallationMetrics(registers, installation);

  return {
    request: (method) => {
      inFlight.inc();
      return ({ operationId, status, milliseconds }) => {
        inFlight.dec();
        const operation = operationId ?? NO_OPERATION;
        requests.inc({ operation, method: METHODS.has(method) ? method : 'other', status: status === null ? 'aborted' : `${Math.floor(status / 100)}xx` });
        durations.observe({ operation }, milliseconds / 1000);
      };
    },
    job: (queue) => {
      const startedAt = performance.now();
      running.inc({ queue });
      return (outcome) => {
        running.dec({ queue });
        jobs.inc({ queue, outcome });
        jobDurations.observe({ queue }, (performance.now() - startedAt) / 1000);
      };
    },
    countSockets: (count) => {
      sockets.count = count;
    },
    exposition: async () => {
      await refresh();
      const text = (await registry.metrics()).replaceAll(/ Nan$/gm, ' NaN'); // prom-client's way to write it, which is no number to strict readers
      return { text, mediaType: registry.contentType };
    },
    described: () => registry.getMetricsAsArray().map((metric) => {
      const labels: unknown = Reflect.get(metric, 'labelNames'); // there, but not in its type
      return { name: metric.name, labels: Array.isArray(labels) ? labels.map(String) : [] };
    }),
  };
}
