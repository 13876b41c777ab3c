/** Traces: what a collector on loopback gets of requests, statements and jobs. */
import * as assert from 'uvu/assert';
import { pino } from 'pino';
import { isRecord } from '../../src/core/values.ts';
import { member } from '../support/contract.ts';
import { cycloneDx, sbomForm } from '../support/fixtures.ts';
import { startTestPortal } from '../support/portal.ts';
import { startReceiver, type TestReceiver } from '../support/receiver.ts';
import { newProject, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

interface Span {
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  name: string;
  attributes: Record<string, unknown>;
}

const items = (node: unknown, name: string): unknown[] => {
  const found = member(node, name);
  return Array.isArray(found) ? found : [];
};
const keyed = (list: unknown[]): Record<string, unknown> => Object.fromEntries(list.map((item) => [String(member(item, 'key')), Object.values(isRecord(item) && isRecord(item['value']) ? item['value'] : {})[0]]));
const spansOf = ({ received }: TestReceiver): Span[] => received.flatMap(({ body }) => items(body, 'resourceSpans')).flatMap((one) => items(one, 'scopeSpans')).flatMap((one) => items(one, 'spans')).map((span) => ({
  traceId: String(member(span, 'traceId')), spanId: String(member(span, 'spanId')), parentSpanId: member(span, 'parentSpanId') === undefined ? undefined : String(member(span, 'parentSpanId')),
  name: String(member(span, 'name')), attributes: keyed(items(span, 'attributes')),
}));
/** Stops the portal, which sends what it has. */
async function traced(environment: Record<string, string>, work: (portal: Awaited<ReturnType<typeof startTestPortal>>) => Promise<void>): Promise<{ spans: Span[]; receiver: TestReceiver }> {
  const receiver = await startReceiver();
  const started = await startTestPortal({ OTEL_EXPORTER_OTLP_ENDPOINT: `${receiver.url}/otlp/`, ...environment });
  await work(started);
  await started.portal.stop();
  return { spans: spansOf(receiver), receiver };
}
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';

const test = suite('traces');
test('a request goes on with the trace that it came with, and its statements and jobs with that', async () => {
  const { spans, receiver } = await traced({ OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=a%20b', OTEL_SERVICE_NAME: 'sca-test' }, async ({ admin }) => {
    const project = await newProject(admin);
    const { body } = await admin.expect(202, 'createScan', { path: { id: project }, form: sbomForm(cycloneDx([{ purl: 'pkg:npm/traced@1.0.0' }])), headers: { traceparent: `00-${TRACE}-${PARENT}-01`, 'X-Request-ID': 'traced-request' } });
    while (member((await admin.expect(200, 'getScan', { path: { id: String(member(body, 'id')) } })).body, 'status') !== 'succeeded');
    await admin.expect(404, 'getProject', { path: { id: '00000000-0000-4000-8000-000000000000' } });
  });
  const own = spans.filter(({ traceId }) => traceId === TRACE);
  const request = own.find(({ name }) => name === 'POST /v1/projects/{id}/scans');
  assert.is(request?.parentSpanId, PARENT);
  assert.equal(['portal.operation_id', 'portal.request_id', 'http.route', 'http.request.method'].map((name) => request?.attributes[name]), ['createScan', 'traced-request', '/v1/projects/{id}/scans', 'POST']);
  assert.is(Number(request?.attributes['http.response.status_code']), 202);
  const statements = own.filter(({ attributes }) => attributes['db.system.name'] === 'postgresql');
  assert.ok(statements.some(({ name, parentSpanId }) => name === 'INSERT' && parentSpanId === request?.spanId), own.map(({ name }) => name).join());
  const job = own.find(({ name }) => name === 'process run-scan');
  assert.ok(job !== undefined, own.map(({ name }) => name).join());
  assert.ok(statements.some(({ parentSpanId }) => parentSpanId === job.spanId), 'the job has statements');
  const refused = spans.find(({ name, attributes }) => name === 'GET /v1/projects/{id}' && Number(attributes['http.response.status_code']) === 404);
  assert.equal([refused !== undefined, refused?.traceId === TRACE, refused?.parentSpanId], [true, false, undefined], 'without a traceparent a trace begins');
  const [first] = receiver.received;
  assert.equal([first?.path, first?.headers['x-tenant'], first?.headers['content-type']], ['/otlp/v1/traces', 'a b', 'application/json']);
  assert.is(keyed(items(member(first?.body, 'resourceSpans', 0, 'resource'), 'attributes'))['service.name'], 'sca-test');
});
test('nothing that a client sent in confidence is in a span', async () => {
  const secret = 'a password that nobody should see';
  const { receiver, spans } = await traced({}, async ({ anonymous, admin }) => {
    await anonymous.expect(401, 'loginUser', { json: { email: 'nobody@example.com', password: secret } });
    const project = await newProject(admin, { git_url: 'https://user:hidden-token@git.example.com/a.git' });
    await admin.expect(200, 'getProject', { path: { id: project }, headers: { Cookie: 'refresh_token=hidden-cookie' } });
  });
  assert.ok(spans.length > 10);
  const raw = receiver.received.map((one) => one.raw).join('\n');
  for (const word of [secret, 'hidden-token', 'hidden-cookie', 'nobody@example.com']) assert.not.match(raw, word);
});
test('a sender that does not sample is not sampled; what is no traceparent begins a trace', async () => {
  const { spans } = await traced({}, async ({ admin }) => {
    await admin.expect(200, 'listProjects', { headers: { traceparent: `00-${TRACE}-${PARENT}-00` } });
    await admin.expect(200, 'listScans', { headers: { traceparent: `00-${'0'.repeat(32)}-${PARENT}-01` } });
  });
  assert.equal(spans.filter(({ name, traceId }) => traceId === TRACE || name === 'GET /v1/projects'), []);
  assert.is(spans.find(({ name }) => name === 'GET /v1/scans')?.parentSpanId, undefined);
  assert.ok(spans.some(({ name }) => name === 'GET /v1/scans'));
});
test('a share of 0 sends only what senders ask for', async () => {
  const { spans } = await traced({ OTEL_TRACES_SAMPLER_ARG: '0' }, async ({ admin }) => {
    await admin.expect(200, 'listProjects');
    await admin.expect(200, 'listProjects', { headers: { traceparent: `00-${TRACE}-${PARENT}-01` } });
  });
  assert.equal([...new Set(spans.map(({ traceId }) => traceId))], [TRACE]);
});
test('a collector that is away or hangs keeps no request and no stop waiting', async () => {
  const receiver = await startReceiver();
  receiver.answers.push(...Array.from({ length: 50 }, () => null));
  for (const endpoint of ['http://127.0.0.1:1', receiver.url]) {
    const lines: string[] = [];
    const log = pino({ level: 'info' }, { write: (line: string) => lines.push(line) });
    const { portal, admin } = await startTestPortal({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, SHUTDOWN_TIMEOUT_SECONDS: '2' }, { api: true, worker: true }, log);
    const project = await newProject(admin);
    await scanToEnd(admin, project, sbomForm(cycloneDx([{ purl: 'pkg:npm/traced@1.0.0' }])));
    const begin = performance.now();
    await portal.stop();
    assert.ok(performance.now() - begin < 9_000, `${endpoint}: ${performance.now() - begin} ms`);
    assert.ok(lines.some((line) => /"operation":"createProject"/.test(line) && /"trace_id":"[0-9a-f]{32}"/.test(line)), 'log lines of a request name its trace');
    assert.ok(lines.some((line) => /"level":40.*"traces: /.test(line)), 'the log tells that traces are lost');
  }
}, { timeoutMs: 60_000 });
