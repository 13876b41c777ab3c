/**
 * `make load`: people and pipelines on what `make seed-scale` made. VUSERS=200 of them for SECONDS=90, each with a pause of THINK_MS=1000 on average between two requests; one process serves, one runs
 * scans, the load generator and the database are on the same machine. PROFILE=folder has V8 profile the process that serves, and sums up where its time went; STATEMENTS=20 prints the costliest SQL.
 */
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { itemsOf, member } from '../../support/contract.ts';
import { cycloneDx, sbomForm } from '../../support/fixtures.ts';
import { SEED_PASSWORD, seedEmail } from './people.ts';
import { quantile, startScalePortal, type ScalePortal, type StatementCost } from './portal.ts';
import type { Probed } from './probe.ts';
import { summarise } from './profile.ts';

const VUSERS = Number(process.env['VUSERS'] || 200);
const SECONDS = Number(process.env['SECONDS'] || 90);
const THINK_MS = Number(process.env['THINK_MS'] || 1000);
const PROFILE = process.env['PROFILE'];
/** How many of the costliest statements to print. */
const STATEMENTS = Number(process.env['STATEMENTS'] || 0);
/** Refs of this run, so that none is scanned already. */
const RUN = Date.now().toString(36);
/** How often each is asked for, in parts. */
const MIX = { projects: 6, scans: 4, components: 3, vulnerabilities: 2, licenses: 2, gate: 2, triage: 1, scan: 1 } as const;
type Action = keyof typeof MIX;
const ACTIONS: readonly Action[] = ['projects', 'scans', 'components', 'vulnerabilities', 'licenses', 'gate', 'triage', 'scan'];
const DECK = ACTIONS.flatMap((action) => Array.from({ length: MIX[action] }, () => action));

interface User {
  number: number;
  token: string;
  projects: readonly string[];
  /** Steps through a sequence that looks random and is the same in each run. */
  next: () => number;
}

interface Outcome {
  action: Action;
  ms: number;
  /** 0 where there was no answer. */
  status: number;
}

async function signInAll(portal: ScalePortal): Promise<User[]> {
  const users: User[] = [];
  for (let number = 1; users.length < VUSERS; number += 1) {
    const token = await portal.signIn(seedEmail(number), SEED_PASSWORD);
    const response = await fetch(`${portal.url}/v1/projects?limit=50`, { headers: { Authorization: `Bearer ${token}` } });
    let state = number * 2654435761 % 4294967296;
    const next = (): number => {
      state = (state * 1664525 + 1013904223) % 4294967296;
      return state / 4294967296;
    };
    const own = itemsOf(await response.json()).filter((project) => member(project, 'visibility') === 'team').map((project) => String(member(project, 'id')));
    if (own.length > 0) users.push({ number, token, projects: own, next });
  }
  return users;
}

const choose = <T>(user: User, from: readonly T[]): T | undefined => from[Math.floor(user.next() * from.length)];

/** As many components as a small service has, a few of them new each time. */
const sbomOf = (user: User): string => cycloneDx(Array.from({ length: 60 }, (_, index) => ({ purl: `pkg:npm/load-${index}@1.${Math.floor(user.next() * 20)}.0`, license: index % 5 === 0 ? 'Apache-2.0' : 'MIT' })));

async function act(portal: ScalePortal, user: User, action: Action, note: (outcome: Outcome) => void): Promise<void> {
  const project = choose(user, user.projects) ?? '';
  const send = async (path: string, init: RequestInit = {}, headers: Record<string, string> = {}): Promise<unknown> => {
    const start = performance.now();
    try {
      const response = await fetch(portal.url + path, { ...init, headers: { ...headers, Authorization: `Bearer ${user.token}` } });
      const body: unknown = await response.json();
      note({ action, ms: performance.now() - start, status: response.status });
      return body;
    } catch {
      note({ action, ms: performance.now() - start, status: 0 });
      return undefined;
    }
  };
  const page = `limit=50&offset=${Math.floor(user.next() ** 3 * 4) * 50}`;
  switch (action) {
    case 'projects': await send(user.next() < 0.5 ? `/v1/projects?${page}` : `/v1/projects/${project}`); break;
    case 'scans': await send(user.next() < 0.5 ? `/v1/scans?${page}` : `/v1/projects/${project}/scans?${page}`); break;
    case 'components': await send(`/v1/projects/${project}/components?${page}&sort=${choose(user, ['name', '-severity', 'license']) ?? ''}`); break;
    case 'vulnerabilities': await send(`/v1/projects/${project}/vulnerabilities?${page}`); break;
    case 'licenses': await send(`/v1/projects/${project}/licenses?${page}`); break;
    case 'gate': await send(`/v1/projects/${project}/gate-result`); break;
    case 'scan': await send(`/v1/projects/${project}/scans`, { method: 'POST', body: sbomForm(sbomOf(user), { ref: `load/${RUN}-${user.number}-${Math.floor(user.next() * 1e9)}` }) }); break;
    case 'triage': {
      const found = await send(`/v1/projects/${project}/vulnerabilities?status=new&limit=20`);
      const finding = choose(user, itemsOf(found));
      if (finding === undefined) return;
      await send(`/v1/vulnerability_findings/${String(member(finding, 'id'))}/status`, { method: 'PATCH', body: JSON.stringify({ status: 'analyzing' }) }, { 'Content-Type': 'application/json', 'If-Match': `"${String(member(finding, 'version'))}"` });
    }
  }
}

async function probe({ api }: ScalePortal): Promise<Probed> {
  const answer = once(api, 'message');
  api.send('probe');
  const messages: readonly unknown[] = await answer;
  const probed = member(messages[0], 'probed');
  const number = (name: string): number => Number(member(probed, name));
  return { rssMib: number('rssMib'), heapMib: number('heapMib'), cpuSeconds: number('cpuSeconds'), loopP50Ms: number('loopP50Ms'), loopP99Ms: number('loopP99Ms'), loopMaxMs: number('loopMaxMs') };
}

async function run(portal: ScalePortal, users: readonly User[], seconds: number): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const until = performance.now() + seconds * 1000;
  await Promise.all(users.map(async (user) => {
    await new Promise((resolve) => setTimeout(resolve, user.next() * THINK_MS));
    while (performance.now() < until) {
      await act(portal, user, choose(user, DECK) ?? 'projects', (outcome) => outcomes.push(outcome));
      await new Promise((resolve) => setTimeout(resolve, (0.5 + user.next()) * THINK_MS));
    }
  }));
  return outcomes;
}

function row(name: string, outcomes: readonly Outcome[]): string {
  const times = outcomes.map(({ ms }) => ms);
  const refused = outcomes.filter(({ status }) => status >= 400 && status < 500).length;
  const failed = outcomes.filter(({ status }) => status >= 500 || status === 0).length;
  return `| ${name} | ${outcomes.length} | ${quantile(times, 0.5).toFixed(0)} | ${quantile(times, 0.95).toFixed(0)} | ${quantile(times, 0.99).toFixed(0)} | ${refused} | ${failed} |`;
}

async function main(): Promise<void> {
  const flags = ['--import', fileURLToPath(new URL('probe.ts', import.meta.url)), ...(PROFILE ? ['--cpu-prof', `--cpu-prof-dir=${PROFILE}`] : [])];
  const portal = await startScalePortal(8796, { worker: true, execArgv: flags });
  try {
    const users = await signInAll(portal);
    await run(portal, users, 5); // warm
    await portal.statements();
    const before = await probe(portal);
    const outcomes = await run(portal, users, SECONDS);
    const after = await probe(portal);
    console.log(`${VUSERS} virtual users, ${SECONDS} s, ${(outcomes.length / SECONDS).toFixed(0)} requests a second\n\n| request | count | p50 | p95 | p99 | 4xx | failed |\n|---|---|---|---|---|---|---|`);
    for (const action of ACTIONS) console.log(row(action, outcomes.filter((outcome) => outcome.action === action)));
    console.log(row('all', outcomes));
    console.log(`\nAPI process: ${(((after.cpuSeconds - before.cpuSeconds) * 1000) / outcomes.length).toFixed(2)} ms of CPU a request; memory ${before.rssMib.toFixed(0)} MiB at the start and ${after.rssMib.toFixed(0)} at the end (heap ${before.heapMib.toFixed(0)} and ${after.heapMib.toFixed(0)}); `
      + `event-loop delay p50 ${after.loopP50Ms.toFixed(1)}, p99 ${after.loopP99Ms.toFixed(1)}, worst ${after.loopMaxMs.toFixed(0)} ms (10 ms of it is the timer's own).`);
    const statements = await portal.statements();
    const total = (of: (statement: StatementCost) => number): number => statements.reduce((sum, statement) => sum + of(statement), 0);
    if (statements.length > 0) console.log(`\nDatabase: ${(total(({ calls }) => calls) / outcomes.length).toFixed(1)} statements a request, ${(total(({ totalMs }) => totalMs) / outcomes.length).toFixed(2)} ms each request (scans in the background included).`);
    for (const { calls, totalMs, text } of statements.slice(0, STATEMENTS)) console.log(`${(totalMs / 1000).toFixed(1)} s, ${calls} x ${(totalMs / calls).toFixed(2)} ms: ${text.slice(0, 240)}`);
    const { rows } = await portal.sql.query<{ status: string; count: string }>(`SELECT status, count(*) FROM scans WHERE ref LIKE 'load/${RUN}-%' GROUP BY 1 ORDER BY 1`);
    console.log(`Scans so far: ${rows.map(({ status, count }) => `${count} ${status}`).join(', ')}.`);
  } finally {
    await portal.stop();
  }
  if (PROFILE) console.log((await summarise(PROFILE, 25)).join('\n'));
}

await main();
