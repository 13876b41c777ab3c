/** Hours in minutes: scans, sockets, triage and imports at low intensity, workers that are restarted and killed, and a look at memory and tables at intervals. */
import { setTimeout as after } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import type { Db } from '../../../src/db/connect.ts';
import { isRecord, pause } from '../../../src/core/values.ts';
import { importFiles, osv } from '../advisories.ts';
import { startBalancer } from './balancer.ts';
import { leftovers, settle } from './checks.ts';
import { newTally, randomFrom, total } from './client.ts';
import { createFleet, type Member } from './fleet.ts';
import { follower, reader, triager, upload, type Load } from './load.ts';
import { hire } from './people.ts';

export interface SoakSample {
  minute: number;
  requests: number;
  scans: number;
  /** MiB after a collection of garbage, of the api process and of the worker that is never restarted. */
  api: { rss: number; heap: number };
  worker: { rss: number; heap: number };
  connections: number;
  /** Rows of what should not grow, or be swept; `pgboss.job` among them. */
  rows: Record<string, number>;
  /** Of the whole database. */
  mib: number;
  deadTuples: number;
}

export interface SoakResult {
  samples: SoakSample[];
  /** The tables with the most dead rows at the end, and how often they were vacuumed. */
  tables: { name: string; live: number; dead: number; vacuums: number; kib: number }[];
  restarts: number;
  imports: number;
  load: Load;
  errors: ReadonlyMap<string, number>;
  faults: string[];
}

const MIB = 1024 * 1024;
const IMPORT_MS = 20_000;
const RESTART_MS = 45_000;
const REFS = 4;
const TABLES = ['rate_limits', 'idempotency_keys', 'leases', 'notices', 'live_sockets', 'live_processes', 'worker_processes', 'circuit_breakers', 'blobs', 'scans', 'scan_components', 'components', 'findings', 'notifications', 'audit_log', 'advisories'] as const;
const PROBE = fileURLToPath(new URL('memory-probe.ts', import.meta.url));

export async function runSoak({ db, databaseUrl, minutes, samples: wanted }: { db: Db; databaseUrl: string; minutes: number; samples: number }): Promise<SoakResult> {
  const fleet = await createFleet({ databaseUrl, environment: { SCAN_RETENTION_PER_REF: '3' }, flags: ['--expose-gc', '--import', PROBE] });
  const balancer = await startBalancer(() => fleet.ready('api').map(({ port }) => port));
  try {
    const [api, steady] = [await fleet.start('api'), await fleet.start('worker')];
    await fleet.start('worker');
    const load: Load = { url: balancer.url, tally: newTally(), random: randomFrom(1), size: 100, distinct: 40, on: true, accepted: new Map(), uploads: 0, slowestRetry: 0, sockets: { opened: 0, ends: new Map() } };
    const people = await hire(db, balancer.url, load.tally, 2, 2);
    const followers = people.map((person) => follower(load, person));
    const work = people.map(async (person, index) => {
      while (load.on) {
        const scan = await upload(load, person, person.projects[Math.floor(load.random() * person.projects.length)] ?? '', `branch-${Math.floor(load.random() * REFS)}`);
        if (scan !== null) followers[index]?.take(scan);
        await pause(1_000 + 2_000 * load.random());
      }
    });
    const [first] = people;
    if (first !== undefined) work.push(reader(load, first), triager(load, first));
    const others = { imports: 0, restarts: 0 };
    const done = new AbortController();
    const importing = repeat(IMPORT_MS, done.signal, async () => {
      others.imports += 1;
      await importFiles({ db, enqueue: () => Promise.resolve('') }, ...Array.from({ length: 40 }, (_, index) =>
        osv({ id: `SOAK-2026-${index}`, name: `common-${index}`, modified: new Date().toISOString(), fixed: `${1 + ((index + others.imports) % 3)}.0.0`, cvss: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H' })));
    });
    const restarting = repeat(RESTART_MS, done.signal, async () => {
      others.restarts += 1;
      const victim = fleet.ready('worker').find((member) => member !== steady);
      if (victim !== undefined) await (others.restarts % 3 === 0 ? fleet.kill(victim) : fleet.end(victim));
      await fleet.start('worker');
    });

    const samples: SoakSample[] = [];
    const begin = Date.now();
    for (let index = 0; index <= wanted; index += 1) {
      await pause(Math.max(0, begin + (index * minutes * 60_000) / wanted - Date.now()));
      samples.push(await sample(db, (Date.now() - begin) / 60_000, load, api, steady));
    }
    done.abort();
    load.on = false;
    await Promise.all([...work, importing, restarting]);
    const { settled, ms } = await settle(db, 200_000);
    await Promise.all(followers.map(({ ended }) => ended()));
    const result = { samples, tables: await tablesOf(db), ...others, load, errors: fleet.errors };
    const codes = await fleet.stop();
    return {
      ...result,
      faults: [
        ...load.tally.faults, ...(settled ? [] : [`not settled: ${JSON.stringify(ms)}`]), ...(codes.every((code) => code === 0) ? [] : [`processes ended with ${codes.join()}`]),
        ...(await leftovers(db)).map((what) => `left: ${what}`), ...(await lostScans(db, load)),
      ],
    };
  } finally {
    await balancer.close();
    await fleet.destroy();
  }
}

async function repeat(everyMs: number, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  while (!(await after(everyMs, false, { signal }).catch(() => true))) await work();
}

/** Old scans are swept; those that are left must have succeeded. */
async function lostScans(db: Db, load: Load): Promise<string[]> {
  const { rows } = await sql<{ status: string; count: number }>`SELECT status, count(*)::int AS count FROM scans WHERE id = ANY(${[...load.accepted.keys()]}::uuid[]) AND status <> 'succeeded' GROUP BY 1`.execute(db);
  return [...rows.map(({ status, count }) => `${count} scans ${status}`), ...[...load.accepted.values()].filter(({ end }) => end !== undefined && end !== 'succeeded').map(({ id, end }) => `followers of ${id} were told ${end}`)];
}

function memoryOf({ child }: Member): Promise<{ rss: number; heap: number }> {
  return new Promise((resolve) => {
    const hear = (answer: unknown): void => {
      if (!isRecord(answer) || typeof answer['rss'] !== 'number' || typeof answer['heapUsed'] !== 'number') return;
      child.off('message', hear);
      resolve({ rss: answer['rss'] / MIB, heap: answer['heapUsed'] / MIB });
    };
    child.on('message', hear);
    child.send('memory');
  });
}

async function sample(db: Db, minute: number, load: Load, api: Member, worker: Member): Promise<SoakSample> {
  const rows: Record<string, number> = {};
  for (const table of [...TABLES, 'pgboss.job']) rows[table] = (await sql<{ n: number }>`SELECT count(*)::int AS n FROM ${sql.table(table)}`.execute(db)).rows[0]?.n ?? 0;
  const facts = await sql<{ connections: number; mib: number; dead: number }>`
    SELECT (SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'sca-portal%') AS connections,
      pg_database_size(current_database()) / ${MIB}::float8 AS mib, (SELECT sum(n_dead_tup)::int FROM pg_stat_user_tables) AS dead`.execute(db);
  const { connections = 0, mib = 0, dead = 0 } = facts.rows[0] ?? {};
  return { minute, requests: total(load.tally.answers), scans: load.accepted.size, api: await memoryOf(api), worker: await memoryOf(worker), connections, rows, mib, deadTuples: dead };
}

async function tablesOf(db: Db): Promise<SoakResult['tables']> {
  return (await sql<SoakResult['tables'][number]>`
    SELECT schemaname || '.' || relname AS name, n_live_tup::int AS live, n_dead_tup::int AS dead, (vacuum_count + autovacuum_count)::int AS vacuums, (pg_total_relation_size(relid) / 1024)::int AS kib
    FROM pg_stat_user_tables WHERE n_dead_tup > 0 ORDER BY n_dead_tup DESC LIMIT 12`.execute(db)).rows;
}

