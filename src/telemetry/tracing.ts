/**
 * Traces by OpenTelemetry, sent as OTLP over HTTP. The packages are loaded only where an endpoint is set: who traces nothing pays nothing at the start.
 * Requests, statements and jobs are spans; pg-boss makes those of jobs, which go on with the trace of the request that queued them.
 */
import type { Context, TextMapPropagator, TracerProvider } from '@opentelemetry/api';
import type { ObservedRequest, RequestObservation, StatementObserver } from '../core/telemetry.ts';

export interface TracingSettings {
  /** Without the slash at its end; `/v1/traces` is put behind it. */
  endpoint: string;
  headers: Readonly<Record<string, string>>;
  serviceName: string;
  /** Share of the traces that begin here which are sent, 0 to 1. Those that came with a request are sent where its sender says so. */
  ratio: number;
  version: string;
  role: string;
  /** Told in words what goes wrong, such as a collector that is away. */
  complain: (message: string) => void;
}

export interface Tracing {
  request: (request: ObservedRequest) => RequestObservation;
  statement: StatementObserver;
  /** For pg-boss. */
  provider: TracerProvider;
  propagator: TextMapPropagator;
  /** Sends what is left. */
  stop: () => Promise<void>;
}

/** PostgreSQL's longest statements are lists of values. */
const MAX_STATEMENT = 2_000;

export async function startTracing({ endpoint, headers, serviceName, ratio, version, role, complain }: TracingSettings): Promise<Tracing> {
  const [api, sdk, { OTLPTraceExporter }, { resourceFromAttributes }, { AsyncLocalStorageContextManager }, { W3CTraceContextPropagator }] = await Promise.all([
    import('@opentelemetry/api'), import('@opentelemetry/sdk-trace'), import('@opentelemetry/exporter-trace-otlp-http'), import('@opentelemetry/resources'),
    import('@opentelemetry/context-async-hooks'), import('@opentelemetry/core'),
  ]);
  const { context, trace, ROOT_CONTEXT, SpanKind, SpanStatusCode } = api;
  const ignored = (): void => undefined;
  api.diag.setLogger({ error: complain, warn: complain, info: ignored, debug: ignored, verbose: ignored }, { logLevel: api.DiagLogLevel.WARN, suppressOverrideMessage: true });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable()); // the second portal of one process keeps the first one's
  const provider = new sdk.TracerProvider({
    resource: resourceFromAttributes({ 'service.name': serviceName, 'service.version': version, 'service.instance.id': crypto.randomUUID(), 'portal.role': role }),
    sampler: new sdk.ParentBasedSampler({ root: new sdk.TraceIdRatioBasedSampler(ratio) }),
    spanLimits: { attributeValueLengthLimit: MAX_STATEMENT },
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url: `${endpoint}/v1/traces`, headers: { ...headers } }) })],
  });
  const propagator = new W3CTraceContextPropagator();
  const tracer = provider.getTracer('sca-portal', version);

  /** The trace that the sender of a request takes part in (W3C traceparent). */
  const cameWith = ({ header }: ObservedRequest): Context =>
    propagator.extract(ROOT_CONTEXT, { traceparent: header('traceparent'), tracestate: header('tracestate') }, api.defaultTextMapGetter);

  return {
    provider, propagator,
    request: (request) => {
      const span = tracer.startSpan(request.method, { kind: SpanKind.SERVER, attributes: { 'http.request.method': request.method, 'portal.request_id': request.requestId } }, cameWith(request));
      const inSpan = trace.setSpan(ROOT_CONTEXT, span);
      return {
        traceId: span.spanContext().traceId,
        run: (work) => context.with(inSpan, work),
        end: ({ operationId, route, status }) => {
          if (route !== null) span.updateName(`${request.method} ${route}`).setAttribute('http.route', route);
          if (operationId !== null) span.setAttribute('portal.operation_id', operationId);
          if (status !== null) span.setAttribute('http.response.status_code', status);
          if (status === null || status >= 500) span.setStatus({ code: SpanStatusCode.ERROR, message: status === null ? 'the client went first' : '' });
          span.end();
        },
      };
    },
    statement: ({ text, milliseconds, failed }) => {
      if (trace.getActiveSpan() === undefined) return; // what happens by itself every few seconds would bury the rest
      const now = Date.now();
      const verb = /^\s*([a-z]+)/i.exec(text)?.[1]?.toUpperCase() ?? 'SQL';
      const span = tracer.startSpan(verb, { kind: SpanKind.CLIENT, startTime: now - milliseconds, attributes: { 'db.system.name': 'postgresql', 'db.operation.name': verb, 'db.query.text': text } });
      if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end(now);
    },
    stop: () => provider.shutdown(),
  };
}
