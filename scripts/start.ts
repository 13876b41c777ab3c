/**
 * `make start`: the portal on its embedded database, with the shipped advisories imported and this very repository scanned as its first
 * project, and the outcome as a table. Stays up until Ctrl-C. It speaks to the portal as any client does: over HTTP and the WebSocket.
 */
import { openSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import WebSocket from 'ws';
import { ConfigError, loadConfig, type Config } from '../src/config.ts';
import { isRecord, messageOf } from '../src/core/values.ts';
import { importAdvisories } from '../src/domain/advisories/import.ts';
import { run, type Running } from '../src/main.ts';
import { packSources } from './pack-sources.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const tty = process.stdout.isTTY;

/** One line that changes on a terminal; one line a change elsewhere. */
function progress(text: string, done = false): void {
  if (tty) process.stdout.write(`\r\u001b[2K${text}${done ? '\n' : ''}`);
  else process.stdout.write(`${text}\n`);
}

const bar = (percent: number): string => `[${'#'.repeat(Math.round(percent / 4)).padEnd(25, '.')}] ${String(percent).padStart(3)} %`;

async function main(): Promise<void> {
  const config = loadConfig();
  await mkdir(config.DATA_DIR, { recursive: true });
  const logFile = path.join(config.DATA_DIR, 'portal.log');
  const logFd = openSync(logFile, 'a', 0o600); // of the worker process too
  const log = pino({ level: config.LOG_LEVEL }, pino.destination({ fd: logFd, sync: true }));
  progress('Starting the portal and its database ...');
  const { password, configured } = await adminPassword(config);
  const running = await run(configured, log, logFd);
  stopOnSignal(running);
  const { portal } = running;
  progress(`The portal answers at ${portal.url}`, true);
  await importShippedAdvisories(running);
  const email = config.ADMIN_EMAIL ?? 'admin@localhost.localdomain';
  await firstScan(portal.url, email, password);
  console.log(`
  Address        ${portal.url}
  API            ${portal.url}/v1
  Documentation  ${portal.url}/api/docs   and   ${portal.url}/api/redoc
  Log-in         ${email}
  Password       ${password}
  Data, log      ${config.DATA_DIR}

The README's walk-through works in another shell. Press Ctrl-C to stop.`);
}

/** The admin's password: ADMIN_PASSWORD, else one that is made once and kept in DATA_DIR, so that a second start can show it again. */
async function adminPassword(config: Config): Promise<{ password: string; configured: Config }> {
  if (config.ADMIN_PASSWORD !== null) return { password: config.ADMIN_PASSWORD, configured: config };
  const file = path.join(config.DATA_DIR, 'admin-password');
  const fresh = Buffer.from(crypto.getRandomValues(new Uint8Array(15))).toString('base64url');
  await writeFile(file, `${fresh}\n`, { flag: 'wx', mode: 0o600 }).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  });
  const password = (await readFile(file, 'utf8')).trim();
  return { password, configured: { ...config, ADMIN_PASSWORD: password } };
}

async function importShippedAdvisories({ portal }: Running): Promise<void> {
  const report = await importAdvisories(portal.services, path.join(ROOT, 'data', 'advisories'), () => undefined);
  progress(`Advisories: ${report.records} shipped records, ${report.changed} new or changed`, true);
}

async function firstScan(url: string, email: string, password: string): Promise<void> {
  const session = await fetch(`${url}/auth/login`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ email, password }) });
  if (!session.ok) {
    progress(`The first scan is left out: the admin's password is no longer the one in DATA_DIR (${session.status}).`, true);
    return;
  }
  const token = text(await session.json(), 'access_token');
  const api = async (method: string, where: string, body?: string | FormData, headers: Record<string, string> = {}): Promise<unknown> => {
    const response = await fetch(url + where, { method, headers: { Authorization: `Bearer ${token}`, ...headers }, ...(body === undefined ? {} : { body }) });
    const answer: unknown = await response.json();
    if (!response.ok && response.status !== 409) throw new Error(`${method} ${where}: ${JSON.stringify(answer)}`);
    return answer;
  };
  const json = { 'Content-Type': 'application/json' };
  const found = await api('GET', '/v1/projects?q=sca-portal');
  const items = isRecord(found) && Array.isArray(found['items']) ? found['items'] : [];
  const project: unknown = items[0] ?? (await api('POST', '/v1/projects', JSON.stringify({ name: 'SCA Portal', slug: 'sca-portal', description: 'This repository' }), json));
  const projectId = text(project, 'id');
  const form = new FormData();
  form.set('kind', 'source');
  form.set('archive', new Blob([await packSources(ROOT)]), 'sca-portal.tar.gz');
  const scan = await api('POST', `/v1/projects/${projectId}/scans`, form);
  const scanId = isRecord(scan) && typeof scan['active_scan_id'] === 'string' ? scan['active_scan_id'] : text(scan, 'id');
  await follow(url, token, scanId);
  await showOutcome(api, projectId, scanId);
}

/** Follows the scan over the WebSocket until its last frame. */
function follow(url: string, token: string, scanId: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/ws/scans/${scanId}`);
    socket.on('open', () => socket.send(JSON.stringify({ type: 'auth', token })));
    socket.on('message', (data: Buffer) => {
      const frame: unknown = JSON.parse(data.toString('utf8'));
      if (isRecord(frame)) progress(`First scan  ${bar(Number(frame['percent']))}  ${String(frame['step'])}`);
    });
    socket.on('close', (code, reason) => {
      if (tty) process.stdout.write('\n');
      if (code === 1000) resolve();
      else reject(new Error(`the progress socket closed with ${code} ${reason.toString()}`));
    });
    socket.on('error', reject);
  });
}

async function showOutcome(api: (method: string, where: string) => Promise<unknown>, projectId: string, scanId: string): Promise<void> {
  const scan = await api('GET', `/v1/scans/${scanId}`);
  const gate = await api('GET', `/v1/projects/${projectId}/gate-result?scan_id=${scanId}`);
  const findings = await api('GET', `/v1/projects/${projectId}/vulnerabilities?scan_id=${scanId}&limit=5&sort=severity`);
  const licenses = await api('GET', `/v1/projects/${projectId}/licenses?scan_id=${scanId}&limit=1`);
  const distribution = isRecord(licenses) && isRecord(licenses['distribution']) ? licenses['distribution'] : {};
  const rows: [string, string][] = [
    ['status', text(scan, 'status')],
    ['components', text(scan, 'component_count')],
    ['vulnerabilities', text(findings, 'total')],
    ['licences', Object.entries(distribution).map(([tier, count]) => `${String(count)} ${tier}`).join(', ')],
    ['gate', `${text(gate, 'gate')}${isRecord(gate) && typeof gate['reason'] === 'string' ? `: ${gate['reason']}` : ''}`],
  ];
  console.log(`\n  First scan: this repository\n${rows.map(([name, value]) => `    ${name.padEnd(16)} ${value}`).join('\n')}`);
}

function text(body: unknown, name: string): string {
  const value = isRecord(body) ? body[name] : undefined;
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function stopOnSignal(running: Running): void {
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    console.log('\nStopping ...');
    running.stop().then(() => process.exit(0), (error: unknown) => {
      console.error(`Stopping failed: ${messageOf(error)}`);
      process.exit(1);
    });
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
}

main().catch((error: unknown) => {
  console.error(error instanceof ConfigError ? error.message : `\nThe portal cannot start: ${messageOf(error)}`);
  process.exit(1);
});
