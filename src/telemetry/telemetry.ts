/** Metrics and traces together, as the settings say. Each is loaded only where it is on. */
import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { SILENT, type Telemetry } from '../core/telemetry.ts';
import { askBriefly } from '../db/health.ts';
import type { Database } from '../db/connect.ts';
import { installationState } from '../db/metrics.ts';
import { volumeOf } from '../domain/system/disk.ts';
import type { Metrics } from './metrics.ts';
import { startTracing, type Tracing } from './tracing.ts';

export type TelemetryConfig = Pick<Config, 'DATA_DIR' | 'DATABASE_POOL_SIZE' | 'METRICS_TOKEN' | 'OTEL_EXPORTER_OTLP_ENDPOINT' | 'OTEL_EXPORTER_OTLP_HEADERS' | 'OTEL_SERVICE_NAME' | 'OTEL_TRACES_SAMPLER_ARG'>;

const STATEMENT_MS = 1_500;
/** Collectors answer with pages. */
const MAX_COMPLAINT = 500;

/** null where no endpoint is set. */
export async function tracingOf(config: TelemetryConfig, role: string, log: Pick<Logger, 'warn'>): Promise<Tracing | null> {
  if (config.OTEL_EXPORTER_OTLP_ENDPOINT === null) return null;
  return startTracing({
    endpoint: config.OTEL_EXPORTER_OTLP_ENDPOINT, headers: config.OTEL_EXPORTER_OTLP_HEADERS, serviceName: config.OTEL_SERVICE_NAME, ratio: config.OTEL_TRACES_SAMPLER_ARG, version: portalVersion(), role,
    complain: (message) => log.warn(`traces: ${message.slice(0, MAX_COMPLAINT)}`),
  });
}

/** @param role as it is told */
export async function createTelemetry(config: TelemetryConfig, role: string, { db, pool }: Database, tracing: Tracing | null): Promise<Telemetry> {
  const metrics = config.METRICS_TOKEN === null ? null : (await import('./metrics.ts')).createMetrics({
    version: portalVersion(), role, pool, poolLimit: config.DATABASE_POOL_SIZE,
    installation: { read: () => askBriefly(db, STATEMENT_MS, installationState), disk: () => volumeOf(config.DATA_DIR), now: () => performance.now() },
  });
  return metrics === null && tracing === null ? SILENT : joined(metrics, tracing);
}

function joined(metrics: Metrics | null, tracing: Tracing | null): Telemetry {
  return {
    request: (request) => {
      const counted = metrics?.request(request.method);
      const traced = tracing?.request(request) ?? SILENT.request(request);
      return {
        ...traced,
        end: (outcome) => {
          counted?.(outcome);
          traced.end(outcome);
        },
      };
    },
    job: async (name, work) => {
      const ended = metrics?.job(name);
      try {
        const result = await work();
        ended?.('done');
        return result;
      } catch (error) {
        ended?.('failed');
        throw error;
      }
    },
    countSockets: (count) => metrics?.countSockets(count),
    exposition: metrics?.exposition ?? null,
  };
}

function portalVersion(): string {
  const parsed: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return typeof parsed === 'object' && parsed !== null && 'version' in parsed && typeof parsed.version === 'string' ? parsed.version : 'unknown';
}
