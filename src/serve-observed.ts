/** The small server of a worker process: health, readiness and metrics, as the contract says, and nothing else. */
import { createServer } from 'node:http';
import type { Services } from './domain/context.ts';
import { createApp } from './http/app.ts';
import { createCaches } from './http/caches.ts';
import { clientAddress } from './http/client-address.ts';
import { handlers } from './http/handlers/index.ts';
import { observedOnly } from './http/observed.ts';
import { createPipeline } from './http/pipeline.ts';
import { bodyLimits } from './http/read-body.ts';
import { startListening, stopListening } from './listening.ts';

export interface ObservedServer {
  port: number;
  stop: () => Promise<void>;
}

export async function serveObserved(services: Services, port: number): Promise<ObservedServer> {
  const { config, log, telemetry } = services;
  const state = { stopping: false };
  const stopping = (): boolean => state.stopping;
  const limits = bodyLimits(config);
  const app = createApp({
    log, telemetry, corsOrigins: [], addressOf: clientAddress(config.TRUSTED_PROXIES), limits: {}, stopping, pages: [observedOnly],
    dispatch: await createPipeline({ services, handlers, caches: createCaches(services), limits, stopping }),
  });
  const handle = app.callback();
  const server = createServer({ requestTimeout: 30_000, headersTimeout: 20_000 }, (request, response) => void handle(request, response));
  const listened = await startListening(server, config.HOST, port, 'METRICS_PORT');
  return {
    port: listened,
    stop: () => {
      state.stopping = true;
      return stopListening(server, config.SHUTDOWN_TIMEOUT_SECONDS * 1000);
    },
  };
}
