/**
 * Two api and three worker processes on one database, a balancer in front, people who work; one process of each kind is killed every few seconds and
 * started again. Returns what came of it: figures, and faults, of which there must be none.
 */
import { sql } from 'kysely';
import type { Db } from '../../../src/db/connect.ts';
import { pause } from '../../../src/core/values.ts';
import { osv, importFiles } from '../advisories.ts';
import type { Mailbox } from '../mailbox.ts';
import { startBalancer } from './balancer.ts';
import { leftovers, samplePeaks, scanFaults, settle, watchStates, type Peaks } from './checks.ts';
import { newTally, randomFrom, total, type Tally } from './client.ts';
import { createFleet, type Fleet, type FleetRole } from './fleet.ts';
import { follower, reader, triager, uploader, type Load } from './load.ts';
import { hire, type Person } from './people.ts';

export interface ChaosOptions {
  db: Db;
  databaseUrl: string;
  /** Null: no mail is sent, for whose second try one would have to wait. */
  mailbox: Mailbox | null;
  seconds: number;
  seed: number;
  /** Between two kills. */
  everyMs: number;
  size: number;
  /** Of the person of this place. */
  uploadersEach: (index: number) => number;
}

export interface ChaosResult {
  kills: Record<FleetRole, number>;
  tally: Tally;
  load: Load;
  peaks: Peaks;
  scans: number;
  /** That more than one run took up. */
  takenOver: number;
  /** Of load. */
  seconds: number;
  /** From its end until all scans had ended, all was told, all mailed, all jobs done. */
  settleMs: Record<string, number>;
  notifications: number;
  /** Mails that came twice with one Message-ID. */
  mailsAgain: number;
  mails: number;
  triaged: number;
  limited: { admitted: number; refused: number; broken: number };
  errors: ReadonlyMap<string, number>;
  faults: string[];
}

const SETTLE_MS = 200_000;
const HITS = 120;

export async function runChaos({ db, databaseUrl, mailbox, seconds, seed, everyMs, size, uploadersEach }: ChaosOptions): Promise<ChaosResult> {
  const random = randomFrom(seed);
  // a scan that retention has removed would count as lost
  const fleet = await createFleet({ databaseUrl, environment: { SCAN_RETENTION_PER_REF: '100000', ...(mailbox === null ? {} : { SMTP_URL: mailbox.url }) } });
  const balancer = await startBalancer(() => fleet.ready('api').map(({ port }) => port));
  try {
    await fleet.start('api');
    await Promise.all([fleet.start('api'), fleet.start('worker'), fleet.start('worker'), fleet.start('worker')]);
    await watchStates(db);
    await importFiles({ db, enqueue: () => Promise.resolve('') }, ...Array.from({ length: 20 }, (_, index) => osv({ id: `CHAOS-2026-${index}`, name: `common-${index}`, cvss: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H' })));
    const load: Load = { url: balancer.url, tally: newTally(), random, size, distinct: Number.POSITIVE_INFINITY, on: true, accepted: new Map(), uploads: 0, slowestRetry: 0, sockets: { opened: 0, ends: new Map() } };
    const people = await hire(db, balancer.url, load.tally, 3, 4);
    const done = new AbortController();
    const peaks = samplePeaks(db, 100, done.signal);

    const begin = Date.now();
    const followers = people.map((person) => follower(load, person));
    const work = people.flatMap((person, index) => [
      ...Array.from({ length: uploadersEach(index) }, () => uploader(load, person, (scan) => followers[index]?.take(scan))), reader(load, person), triager(load, person),
    ]);
    const kills = await killAround(fleet, random, everyMs, begin + seconds * 1000);
    const limited = await hitLimit(people.at(-1), load);
    load.on = false;
    await Promise.all(work);
    const loadSeconds = (Date.now() - begin) / 1000;
    const { settled, ms } = await settle(db, SETTLE_MS);
    const faults = settled ? [] : [`not settled after ${SETTLE_MS / 1000} s: ${JSON.stringify(ms)}`];
    await Promise.all(followers.map(({ ended }) => ended()));
    done.abort();
    const codes = await fleet.stop();
    if (codes.some((code) => code !== 0)) faults.push(`processes ended with ${codes.join()}`);
    faults.push(...load.tally.faults, ...(await scanFaults(db, [...load.accepted.values()])), ...(await leftovers(db)).map((what) => `left: ${what}`));
    const result = { kills, tally: load.tally, load, peaks: await peaks, seconds: loadSeconds, settleMs: ms, limited, errors: fleet.errors, faults, ...(await counts(db, mailbox)) };
    faults.push(...limitFaults(result), ...(mailbox === null || result.mails === result.notifications ? [] : [`${result.notifications} notifications, ${result.mails} mails`]));
    return result;
  } finally {
    await balancer.close();
    await fleet.destroy();
  }
}

/** Kills one of each kind at random moments, and starts another in its place. */
async function killAround(fleet: Fleet, random: () => number, everyMs: number, end: number): Promise<Record<FleetRole, number>> {
  const kills = { api: 0, worker: 0 };
  const one = async (role: FleetRole): Promise<void> => {
    while (Date.now() + everyMs < end) {
      await pause(everyMs * (0.5 + random()));
      const live = fleet.ready(role);
      const victim = live[Math.floor(random() * live.length)];
      if (victim === undefined) continue;
      await fleet.kill(victim);
      kills[role] += 1;
      await fleet.start(role);
    }
  };
  await Promise.all([one('api'), one('worker')]);
  return kills;
}

/** One who uploads nothing else asks for 200 scans at once, over both processes, which together refuse all that are more than 120 in a minute. */
async function hitLimit(person: Person | undefined, { random }: Load): Promise<ChaosResult['limited']> {
  const limited = { admitted: 0, refused: 0, broken: 0 };
  if (person === undefined) return limited;
  await Promise.all(Array.from({ length: 200 }, async () => {
    await pause(500 * random());
    const reply = await person.call('limited', 'POST', `/v1/projects/${person.projects[0] ?? ''}/scans`, { json: {} });
    if (reply === null) limited.broken += 1;
    else if (reply.problem === 'too-many-requests') limited.refused += 1;
    else limited.admitted += 1;
  }));
  return limited;
}

async function counts(db: Db, mailbox: Mailbox | null): Promise<Pick<ChaosResult, 'scans' | 'takenOver' | 'notifications' | 'triaged' | 'mails' | 'mailsAgain'>> {
  const { rows } = await sql<{ scans: number; takenOver: number; notifications: number; triaged: number }>`
    SELECT (SELECT count(*)::int FROM scans) AS scans, (SELECT count(*)::int FROM scans WHERE attempt > 1) AS "takenOver", (SELECT count(*)::int FROM notifications) AS notifications,
      (SELECT count(*)::int FROM audit_log WHERE operation = 'updateVulnerabilityFindingStatus') AS triaged`.execute(db);
  const ids = (mailbox?.mails ?? []).map(({ to, headers }) => `${to} ${headers.get('message-id') ?? ''}`);
  return { ...(rows[0] ?? { scans: 0, takenOver: 0, notifications: 0, triaged: 0 }), mails: new Set(ids).size, mailsAgain: ids.length - new Set(ids).size };
}

function limitFaults({ peaks, limited, triaged, tally }: ChaosResult): string[] {
  const acknowledged = tally.answers.get('triage 200') ?? 0;
  return [
    ...(peaks.activePerTeam > 10 ? [`${peaks.activePerTeam} scans of a team were active`] : []),
    ...(peaks.activePerRef > 1 ? [`${peaks.activePerRef} scans of a ref were active`] : []),
    ...(peaks.socketsPerUser > 3 ? [`a user had ${peaks.socketsPerUser} sockets`] : []),
    ...(limited.admitted > HITS || limited.admitted < HITS - limited.broken ? [`${limited.admitted} requests for scans were admitted in a minute`] : []),
    ...(triaged < acknowledged || triaged > acknowledged + total(tally.broken, 'triage') ? [`${acknowledged} steps of triage were acknowledged, ${triaged} were made`] : []),
  ];
}
