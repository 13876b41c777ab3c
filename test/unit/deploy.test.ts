/** The files of deploy/ say nothing that the portal does not know: settings, metrics, ports, paths, files, commands. */
import { readdirSync, readFileSync, existsSync } from 'node:fs';
import path from 'node:path';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { operationIds, operations } from '../../generated/operations.ts';
import { loadConfig, settingNames } from '../../src/config.ts';
import { isRecord } from '../../src/core/values.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { member } from '../support/contract.ts';
import { compose, containerOf, deployments, dockerfile, every, imageEnvironment, instructions, KUBERNETES, list, ofKind, record, ROOT, services, strings, text } from '../support/deploy-files.ts';
import { suite } from '../support/suite.ts';

const apiPort = loadConfig({}).PORT;
const workerPort = Number(imageEnvironment.get('METRICS_PORT'));
const exposed = createMetrics({
  version: '0', role: 'api', pool: { totalCount: 0, idleCount: 0, waitingCount: 0 }, poolLimit: 1,
  installation: { read: () => Promise.reject(new Error('none')), disk: () => Promise.reject(new Error('none')), now: () => 0 },
}).described();
const metrics = new Map(exposed.map(({ name, labels }) => [name, new Set(labels)]));
const paths = new Set<string>(operationIds.map((id) => operations[id].path));

/** Faults of a PromQL expression, as far as names go. */
function unknownNames(expression: string): string[] {
  const bare = expression.replaceAll(/"[^"]*"/g, '""');
  const named = [...bare.matchAll(/\b((?:portal|process|nodejs)_\w+)(?:\{([^}]*)\})?/g)];
  const known = new Set(['le', 'job', 'instance']);
  const faults = named.flatMap(([, name = '', matchers = '']) => {
    const labels = metrics.get(name) ?? (/_(bucket|count|sum)$/.test(name) ? metrics.get(name.replace(/_(bucket|count|sum)$/, '')) : undefined);
    for (const label of labels ?? []) known.add(label);
    return labels === undefined ? [name] : matchers.split(',').map((one) => /^\s*(\w*)/.exec(one)?.[1] ?? '').filter((label) => label !== '' && !labels.has(label) && label !== 'job' && label !== 'le').map((label) => `${name}{${label}}`);
  });
  const grouped = [...bare.matchAll(/\b(?:by|without|ignoring|on)\s*\(([^)]*)\)/g)].flatMap(([, names = '']) => names.split(',').map((one) => one.trim()));
  return [...faults, ...(named.length === 0 && !/\bup\b/.test(bare) ? [`no metric in ${expression}`] : []), ...grouped.filter((label) => !known.has(label)).map((label) => `by (${label})`)];
}

/** Which of the names are no settings of the portal. */
const notSettings = (names: Iterable<string>): string[] => [...names].filter((name) => !settingNames().includes(name));

const image = suite('the image');
image('copies what is there, and what its ignore file lets through', () => {
  const allowed = text('.dockerignore').split('\n').filter((line) => line.startsWith('!')).map((line) => line.slice(1));
  const sources = instructions('COPY').filter((rest) => !rest.startsWith('--from')).flatMap((rest) => rest.split(' ').slice(0, -1));
  assert.ok(sources.includes('src') && sources.includes('generated') && sources.includes('migrations'));
  for (const source of sources) {
    assert.ok(existsSync(path.join(ROOT, source)), source);
    assert.ok(allowed.includes(source), `.dockerignore keeps ${source} out`);
  }
  assert.equal(allowed.filter((one) => !sources.includes(one)), []);
});
image('has every file that the program reads beside src', () => {
  const copied = instructions('COPY').join(' ');
  const read = readdirSync(path.join(ROOT, 'src'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).flatMap(({ parentPath, name }) => {
    const folder = path.relative(ROOT, parentPath);
    return [...readFileSync(path.join(parentPath, name), 'utf8').matchAll(/(?:from|import\(|new URL\()\s*'(\.[^']+)'/g)].map(([, target = '']) => path.normalize(path.join(folder, target)).split(path.sep)[0] ?? '');
  });
  const outside = [...new Set(read)].filter((top) => top !== 'src');
  assert.ok(outside.includes('generated') && outside.includes('migrations'));
  for (const top of outside) assert.match(copied, top);
});
image('is small, runs as nobody in particular, and without what only development needs', () => {
  assert.match(instructions('RUN').join('\n'), /npm ci --omit=dev --ignore-scripts/);
  assert.equal(instructions('USER'), ['10001:10001']);
  assert.match(dockerfile.at(-1)?.rest ?? '', /^runtime AS portal$/);
  assert.equal(instructions('EXPOSE').join(' ').split(' ').map(Number), [apiPort, workerPort]);
  assert.equal(notSettings(imageEnvironment.keys()), ['NODE_ENV', 'HOME']);
  assert.is(Number(imageEnvironment.get('PORT')), apiPort);
});
image('starts and asks for its health with programs that are there', () => {
  for (const [word, rest] of [['CMD', instructions('CMD')[0]], ['HEALTHCHECK', instructions('HEALTHCHECK')[0]?.replace(/^.*CMD /, '')]] as const) {
    const command: unknown = JSON.parse(rest ?? '[]');
    assert.is(strings(command)[0], 'node', word);
    assert.ok(existsSync(path.join(ROOT, strings(command)[1] ?? '')), `${word} ${rest}`);
  }
  assert.ok(paths.has(/argv\[2\] \?\? '([^']+)'/.exec(text('scripts/healthcheck.ts'))?.[1] ?? ''));
});

const composed = suite('compose.yaml');
composed('has a proxy, an API, workers and PostgreSQL, each locked up and with a check of its health', () => {
  assert.equal(Object.keys(services).sort(), ['api', 'postgres', 'proxy', 'worker']);
  for (const [name, service] of Object.entries(services)) {
    assert.is(member(service, 'read_only'), true, name);
    assert.ok(strings(member(service, 'security_opt')).includes('no-new-privileges:true'), name);
    for (const volume of strings(member(service, 'volumes')).map((one) => one.split(':')[0] ?? '')) assert.ok(volume.startsWith('./') ? existsSync(path.join(ROOT, 'deploy', volume)) : Object.hasOwn(record(member(compose, 'volumes')), volume), `${name}: ${volume}`);
    for (const other of Object.keys(record(member(service, 'depends_on')))) assert.ok(Object.hasOwn(services, other), `${name} waits for ${other}`);
  }
  assert.match(String(member(services['postgres'], 'image')), /^postgres:1[5-9]$/);
  assert.ok(existsSync(path.join(ROOT, 'deploy', String(member(services['api'], 'build', 'context')), String(member(services['api'], 'build', 'dockerfile')))));
});
composed('sets settings that there are, secrets from the environment alone', () => {
  const offered = text('deploy/.env.example').split('\n').flatMap((line) => /^([A-Z_]+)=/.exec(line)?.[1] ?? []);
  assert.equal([...text('deploy/compose.yaml').matchAll(/\$\{(\w+)/g)].map(([, name = '']) => name).filter((name) => !offered.includes(name)), []);
  for (const name of ['api', 'worker']) {
    const environment = record(member(services[name], 'environment'));
    assert.equal(notSettings(Object.keys(environment)), [], name);
    assert.is(environment['ROLE'], name);
    for (const secret of ['SECRET_KEY', 'METRICS_TOKEN', 'ADMIN_PASSWORD', 'SMTP_URL']) assert.match(String(environment[secret]), /^\$\{\w+:[?-][^}]*\}$/);
    const filled = Object.fromEntries(Object.entries(environment).map(([key, value]) => [key, String(value).replaceAll(/\$\{(\w+)[^}]*\}/g, (_match, variable: string) => (variable === 'BASE_URL' ? 'https://portal.example.com' : variable === 'POSTGRES_PASSWORD' ? 'word' : variable === 'SECRET_KEY' ? 'k'.repeat(40) : ''))]));
    assert.is(loadConfig({ ...Object.fromEntries(imageEnvironment), ...filled }).ROLE, name);
  }
  assert.is(strings(member(services['worker'], 'command')).at(-1), 'src/main.ts');
});
composed('the proxy asks the API at its port, strips /api and tells nobody metrics', () => {
  const caddy = text('deploy/Caddyfile');
  const targets = [...caddy.matchAll(/reverse_proxy (\w+):(\d+)/g)].map(([, host = '', port = '']) => [Object.hasOwn(services, host), Number(port)]);
  assert.equal(targets, [[true, apiPort], [true, apiPort]]);
  assert.match(caddy, /handle_path \/api\/\* \{/);
  assert.match(caddy, /@inside path \/metrics .*\n\s*respond @inside 404/);
  assert.not.match(caddy, /^\s*encode/m);
  assert.is(member(compose, 'networks', 'default', 'ipam', 'config', 0, 'subnet'), member(services['api'], 'environment', 'TRUSTED_PROXIES'));
});

const unit = suite('portal.service');
unit('runs what is there, with settings that there are, and outlives its own deadline', () => {
  const lines = text('deploy/portal.service').split('\n').flatMap((line) => (/^(\w+)=(.*)$/.exec(line) === null ? [] : [[line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const]));
  const values = (name: string): string[] => lines.filter(([key]) => key === name).map(([, value]) => value);
  assert.ok(existsSync(path.join(ROOT, values('ExecStart')[0]?.split(' ').at(-1) ?? '')));
  assert.equal(notSettings(values('Environment').map((one) => one.split('=')[0] ?? '')), ['NODE_ENV', 'HOME']);
  assert.ok(Number(values('TimeoutStopSec')[0]) > 2 * loadConfig({}).SHUTDOWN_TIMEOUT_SECONDS);
  for (const [name, value] of [['NoNewPrivileges', 'yes'], ['ProtectSystem', 'strict'], ['DynamicUser', 'yes'], ['CapabilityBoundingSet', '']] as const) assert.equal(values(name), [value], name);
});

const cluster = suite('kubernetes');
cluster('is one API and one worker, locked up, with settings that there are', () => {
  assert.equal(deployments.map((one) => member(one, 'metadata', 'name')), ['sca-portal-api', 'sca-portal-worker']);
  const settings = [...ofKind('ConfigMap').flatMap((one) => Object.entries(record(member(one, 'data')))), ...ofKind('Secret').flatMap((one) => Object.entries(record(member(one, 'stringData'))))];
  assert.equal(notSettings(settings.map(([name]) => name)), []);
  for (const deployment of deployments) {
    const container = containerOf(deployment);
    const environment = Object.fromEntries(list(member(container, 'env')).map((one) => [String(member(one, 'name')), String(member(one, 'value'))]));
    const config = loadConfig({ ...Object.fromEntries(imageEnvironment), ...Object.fromEntries(settings.map(([name, value]) => [name, String(value)])), ...environment });
    assert.is(`sca-portal-${config.ROLE}`, member(deployment, 'metadata', 'name'));
    assert.ok(Number(member(deployment, 'spec', 'template', 'spec', 'terminationGracePeriodSeconds')) > 2 * config.SHUTDOWN_TIMEOUT_SECONDS);
    assert.equal([member(container, 'securityContext', 'readOnlyRootFilesystem'), member(container, 'securityContext', 'allowPrivilegeEscalation'), member(deployment, 'spec', 'template', 'spec', 'securityContext', 'runAsNonRoot')], [true, false, true]);
    assert.equal(strings(member(container, 'args')).at(-1), 'src/main.ts');
    const mounts = list(member(container, 'volumeMounts')).map((one) => member(one, 'mountPath'));
    assert.equal(mounts, [imageEnvironment.get('DATA_DIR'), '/tmp']);
  }
});
cluster('probes paths of the contract at ports that are listened on', () => {
  for (const [index, deployment] of deployments.entries()) {
    const container = containerOf(deployment);
    const ports = new Map(list(member(container, 'ports')).map((one) => [member(one, 'name'), member(one, 'containerPort')]));
    assert.equal([...ports.values()], [[apiPort], [workerPort]][index]);
    for (const [probe, wanted] of [['startupProbe', '/health'], ['livenessProbe', '/health'], ['readinessProbe', '/health/ready']] as const) {
      assert.is(member(container, probe, 'httpGet', 'path'), wanted);
      assert.ok(paths.has(wanted));
      assert.ok(ports.has(member(container, probe, 'httpGet', 'port')), probe);
    }
  }
});
cluster('whatever names something else names what is there', () => {
  const labels = deployments.map((one) => JSON.stringify(member(one, 'spec', 'selector', 'matchLabels')));
  for (const one of ofKind('Service')) assert.ok(labels.includes(JSON.stringify(member(one, 'spec', 'selector'))));
  for (const one of ofKind('PodDisruptionBudget')) assert.ok(labels.includes(JSON.stringify(member(one, 'spec', 'selector', 'matchLabels'))));
  for (const one of ofKind('HorizontalPodAutoscaler')) assert.ok(deployments.some((deployment) => member(deployment, 'metadata', 'name') === member(one, 'spec', 'scaleTargetRef', 'name')));
  const servicesThere = ofKind('Service').map((one) => [member(one, 'metadata', 'name'), member(one, 'spec', 'ports', 0, 'name')]);
  for (const backend of ofKind('Ingress').flatMap(every).filter((one) => isRecord(one['backend'])).map(({ backend: one }) => member(one, 'service'))) assert.ok(servicesThere.some(([name, port]) => name === member(backend, 'name') && port === member(backend, 'port', 'name')));
  assert.equal(strings(member(ofKind('Kustomization')[0], 'resources')).sort(), KUBERNETES.filter((file) => !['kustomization.yaml', 'secret.example.yaml'].includes(file)).sort());
  const external = ofKind('HorizontalPodAutoscaler').flatMap(every).filter((one) => isRecord(one['external'])).map(({ external: one }) => member(one, 'metric'));
  assert.is(external.length, 1);
  assert.equal(external.flatMap((metric) => Object.keys(record(member(metric, 'selector', 'matchLabels'))).filter((label) => metrics.get(String(member(metric, 'name')))?.has(label) !== true)), []);
});

const watched = suite('dashboard and alerts');
watched('name metrics and labels that /metrics has', () => {
  const expressions = every(parse(text('deploy/alerts.yaml'))).flatMap(({ expr }) => (typeof expr === 'string' ? [expr] : []));
  const panels = every(JSON.parse(text('deploy/grafana-dashboard.json'))).flatMap(({ expr }) => (typeof expr === 'string' ? [expr] : []));
  assert.ok(expressions.length > 10 && panels.length > 20);
  assert.equal([...expressions, ...panels].flatMap(unknownNames), []);
  assert.equal(unknownNames('sum by (nothing) (portal_nothing{x="y"}) + portal_scans{stat="queued"} + foo').sort(), ['by (nothing)', 'portal_nothing', 'portal_scans{stat}']);
});
watched('every metric of the portal is on the dashboard', () => {
  const dashboard = text('deploy/grafana-dashboard.json');
  assert.equal([...metrics.keys()].filter((name) => name.startsWith('portal_') && !dashboard.includes(name)), []);
});
watched('no metric has a label that Prometheus uses itself', () => {
  assert.equal([...metrics].filter(([, labels]) => labels.has('job') || labels.has('instance')), []);
});
watched('every alert says how bad it is and what it is about; panels are told apart', () => {
  const alerts = every(parse(text('deploy/alerts.yaml'))).filter((one) => typeof one['alert'] === 'string');
  for (const alert of alerts) assert.ok(['warning', 'critical'].includes(String(member(alert, 'labels', 'severity'))) && typeof member(alert, 'annotations', 'summary') === 'string' && typeof alert['for'] === 'string', String(alert['alert']));
  assert.is(new Set(alerts.map(({ alert }) => alert)).size, alerts.length);
  const board: unknown = JSON.parse(text('deploy/grafana-dashboard.json'));
  const ids = list(member(board, 'panels')).map((panel) => member(panel, 'id'));
  assert.is(new Set(ids).size, ids.length);
});
watched('Prometheus asks both kinds of process at their ports', () => {
  const targets = list(member(parse(text('deploy/prometheus.yaml')), 'scrape_configs', 0, 'dns_sd_configs')).map((one) => [strings(member(one, 'names'))[0], member(one, 'port')]);
  assert.equal(targets, [['api', apiPort], ['worker', workerPort]]);
  assert.ok(targets.every(([name]) => Object.hasOwn(services, String(name))));
});
