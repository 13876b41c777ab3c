/**
 * Does the time of a log-in tell whether an address has an account? A real portal in a process of its own, in turn an unknown address, a wrong
 * password, an inactive account and an account without a password; each against the wrong password by Welch's t-test and the Mann-Whitney U test.
 * Usage: scripts/node.sh test/bench/login-timing.ts [tries, 200]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { openDatabase } from '../../src/db/connect.ts';
import { openEmbedded } from '../../src/db/embedded.ts';
import { hashPassword } from '../../src/domain/auth/passwords.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const TRIES = Number(process.argv[2] ?? 200);
const WARM_UP = 20;
const PORT = 8794;
const quiet = { info: (): void => undefined, warn: (): void => undefined, error: console.error };

const CASES = {
  'wrong password': 'active@example.com',
  'unknown address': 'nobody@example.com',
  'inactive account': 'inactive@example.com',
  'account without a password': 'federated@example.com',
} as const;
type Case = keyof typeof CASES;
const names = Object.keys(CASES).filter((name): name is Case => name in CASES);

let address = 0;
/** Milliseconds of one refused log-in; each from a client address of its own, past the limit. */
async function attempt(email: string): Promise<number> {
  address += 1;
  const headers = { 'Content-Type': 'application/json', 'X-Forwarded-For': `10.${address >> 16}.${(address >> 8) & 255}.${address & 255}` };
  const startedAt = performance.now();
  const response = await fetch(`http://127.0.0.1:${PORT}/auth/login`, { method: 'POST', headers, body: JSON.stringify({ email, password: 'this is not the password' }) });
  await response.arrayBuffer();
  if (response.status !== 401) throw new Error(`answered ${response.status}`);
  return performance.now() - startedAt;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const variance = (values: readonly number[]): number => values.reduce((sum, value) => sum + (value - mean(values)) ** 2, 0) / (values.length - 1);

/** Abramowitz and Stegun 7.1.26, within 1.5e-7; two-sided. */
function normalP(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  return t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) * Math.exp(-x * x);
}

/** Welch's t; with 200 tries the t distribution is as good as normal. */
function welch(a: readonly number[], b: readonly number[]): number {
  return (mean(a) - mean(b)) / Math.sqrt(variance(a) / a.length + variance(b) / b.length);
}

/** z of Mann-Whitney's U; times at this resolution have no ties worth a correction. */
function mannWhitney(a: readonly number[], b: readonly number[]): number {
  const ranked = [...a.map((value) => ({ value, ofA: true })), ...b.map((value) => ({ value, ofA: false }))].sort((one, other) => one.value - other.value);
  const rankSum = ranked.reduce((sum, { ofA }, index) => sum + (ofA ? index + 1 : 0), 0);
  const u = rankSum - (a.length * (a.length + 1)) / 2;
  return (u - (a.length * b.length) / 2) / Math.sqrt((a.length * b.length * (a.length + b.length + 1)) / 12);
}

async function measure(): Promise<Record<Case, number[]>> {
  const times: Record<Case, number[]> = { 'wrong password': [], 'unknown address': [], 'inactive account': [], 'account without a password': [] };
  for (let round = -WARM_UP; round < TRIES; round += 1) {
    const order = names.map((_name, index) => names[(index + Math.abs(round)) % names.length] ?? 'wrong password'); // none is always the first
    for (const name of order) {
      const time = await attempt(CASES[name]);
      if (round >= 0) times[name].push(time);
    }
  }
  return times;
}

const FLOOD = 500;

/** Log-ins all at once: how many were turned away, and the portal's largest memory since its start (Linux). */
async function flood(pid: number): Promise<string> {
  const peak = async (): Promise<string> => /VmHWM:\s*(\d+ kB)/.exec(await readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''))?.[1] ?? 'unknown';
  const before = await peak();
  const outcomes = await Promise.all(Array.from({ length: FLOOD }, () => attempt(CASES['wrong password']).then(() => 'checked', () => 'turned away')));
  return `${FLOOD} log-ins at once: ${outcomes.filter((outcome) => outcome === 'checked').length} checked, the rest 503; peak memory ${before} before, ${await peak()} after`;
}

function report(times: Record<Case, number[]>): void {
  console.log(`${TRIES} tries each, milliseconds\n\n| log-in with | mean | standard deviation | Welch t (p) | Mann-Whitney z (p) |\n|---|---|---|---|---|`);
  const base = times['wrong password'];
  for (const name of names) {
    const own = times[name];
    const [t, z] = [welch(own, base), mannWhitney(own, base)];
    const against = name === 'wrong password' ? '- | -' : `${t.toFixed(2)} (${normalP(t).toFixed(2)}) | ${z.toFixed(2)} (${normalP(z).toFixed(2)})`;
    console.log(`| ${name} | ${mean(own).toFixed(2)} | ${Math.sqrt(variance(own)).toFixed(2)} | ${against} |`);
  }
}

const dataDir = await mkdtemp(path.join(tmpdir(), 'sca-portal-timing-'));
const database = await openEmbedded({ dataDir: path.join(dataDir, 'db'), log: quiet });
const child = fork(MAIN, {
  env: { ...process.env, ROLE: 'api', PORT: String(PORT), DATA_DIR: path.join(dataDir, 'portal'), DATABASE_URL: database.url, LOG_LEVEL: 'error', TRUSTED_PROXIES: '127.0.0.1', ADMIN_PASSWORD: 'bench bench bench' },
  stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
});
try {
  await once(child, 'message');
  const { db, close } = openDatabase(database.url, { max: 1, applicationName: 'login timing', log: quiet });
  const passwordHash = await hashPassword('this is the password');
  await sql`INSERT INTO users (email, password_hash, is_active) VALUES
    (${CASES['wrong password']}, ${passwordHash}, true), (${CASES['inactive account']}, ${passwordHash}, false), (${CASES['account without a password']}, NULL, true)`.execute(db);
  await close();
  report(await measure());
  console.log(`\n${await flood(child.pid ?? 0)}`);
} finally {
  const gone = child.exitCode === null ? once(child, 'exit') : null;
  child.kill('SIGTERM');
  await gone;
  await database.stop(10_000);
  await rm(dataDir, { recursive: true, force: true });
}
