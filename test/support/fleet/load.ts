/** What people do all the while: they upload SBOMs, follow the scans, read lists, and triage. Each request is counted; each scan that was accepted is remembered. */
import { pause } from '../../../src/core/values.ts';
import { member } from '../contract.ts';
import { sbomForm } from '../fixtures.ts';
import { authFrame, watch } from '../live.ts';
import { count, type Tally } from './client.ts';
import { sbomOf, type Person } from './people.ts';

export interface Accepted {
  id: string;
  upload: number;
  /** What followers saw as the last frame's step; undefined where nobody followed to the end. */
  end?: string;
}

export interface Load {
  url: string;
  tally: Tally;
  random: () => number;
  /** Components of an upload. */
  size: number;
  /** Uploads that differ; then they come again. */
  distinct: number;
  on: boolean;
  /** By id. */
  accepted: Map<string, Accepted>;
  uploads: number;
  /** Longest wait, in ms, from a broken upload to the answer that its Idempotency-Key got. */
  slowestRetry: number;
  sockets: { opened: number; ends: Map<string, number> };
}

const IN_PROGRESS_MS = 150_000;
const SOCKETS_OF_A_USER = 3;

/** Uploads one SBOM under a ref of its own until the portal has answered for it, always with the same Idempotency-Key. Null where it was refused. */
export async function upload(load: Load, person: Person, project: string, ref: string | null): Promise<Accepted | null> {
  const { tally } = load;
  load.uploads += 1;
  const number = load.uploads;
  const key = crypto.randomUUID();
  const form = sbomForm(sbomOf(number % load.distinct, load.size), { ref: ref ?? `upload-${number}` });
  const end = Date.now() + IN_PROGRESS_MS;
  for (let brokenAt = 0; Date.now() < end; await pause(50 + 100 * load.random())) {
    const reply = await person.call('createScan', 'POST', `/v1/projects/${project}/scans`, { form, headers: { 'Idempotency-Key': key } });
    if (reply === null) brokenAt ||= Date.now();
    else if (reply.status === 202) {
      if (brokenAt > 0) load.slowestRetry = Math.max(load.slowestRetry, Date.now() - brokenAt);
      const accepted = { id: String(member(reply.body, 'id')), upload: number };
      load.accepted.set(accepted.id, accepted);
      return accepted;
    } else if (reply.problem === 'idempotency-in-progress') count(tally.answers, 'createScan is still running');
    else if (reply.status === 429) {
      if (!load.on) return null;
      await pause(reply.problem === 'too-many-requests' ? 5_000 : 300); // a job waits no minute; the limit is shown apart from this
    } else if (reply.problem === 'scan-in-progress' && ref !== null) return null;
    else {
      tally.faults.push(`createScan ${reply.status} ${JSON.stringify(reply.body).slice(0, 300)}${brokenAt > 0 ? ' after its connection broke' : ''}`);
      return null;
    }
  }
  tally.faults.push(`upload ${number} was never answered`);
  return null;
}

/** Uploads one after another, now and then under a ref that others use too. */
export async function uploader(load: Load, person: Person, followed: (scan: Accepted) => void): Promise<void> {
  while (load.on) {
    const project = person.projects[Math.floor(load.random() * person.projects.length)] ?? '';
    const scan = await upload(load, person, project, load.random() < 0.2 ? 'shared' : null);
    if (scan !== null) followed(scan);
    await pause(100 + 400 * load.random());
  }
}

/** Follows a scan over as many connections as it takes. */
export async function follow({ url, sockets, tally, random }: Load, person: Person, scan: Accepted): Promise<void> {
  for (let wait = 50; scan.end === undefined; wait = Math.min(2 * wait, 1000)) {
    sockets.opened += 1;
    const seen = await watch(url, `/ws/scans/${scan.id}`, authFrame(person.token)).catch(() => null);
    count(sockets.ends, seen === null ? 'no connection' : `${seen.code} ${seen.reason}`.trim());
    if (seen?.code === 1000) scan.end = seen.frames.at(-1)?.step ?? '';
    if (seen?.code === 1008) return void tally.faults.push(`the socket of ${scan.id} was closed: ${seen.reason}`);
    const percents = seen?.frames.map(({ percent }) => percent) ?? [];
    if (percents.some((percent, index) => percent < (percents[index - 1] ?? 0))) tally.faults.push(`progress went back: ${percents.join()}`);
    if (scan.end === undefined) await pause(wait * random());
  }
}

/** Follows scans as they come, as many at a time as a user may; what comes meanwhile is not followed. */
export function follower(load: Load, person: Person): { take: (scan: Accepted) => void; ended: () => Promise<unknown> } {
  const running = new Set<Promise<void>>();
  return {
    take: (scan) => {
      if (running.size >= SOCKETS_OF_A_USER) return;
      const one: Promise<void> = follow(load, person, scan).finally(() => running.delete(one));
      running.add(one);
    },
    ended: () => Promise.all(running),
  };
}

const LISTS = ['/v1/scans?limit=50', '/v1/projects?limit=50', '/v1/projects/{project}/components?limit=50', '/v1/projects/{project}/vulnerabilities?limit=50&sort=-severity', '/v1/projects/{project}/gate-result', '/v1/vulnerabilities?limit=20', '/v1/notifications?limit=20'];

export async function reader(load: Load, person: Person): Promise<void> {
  while (load.on) {
    const path = LISTS[Math.floor(load.random() * LISTS.length)] ?? '';
    const reply = await person.call('list', 'GET', path.replace('{project}', person.projects[Math.floor(load.random() * person.projects.length)] ?? ''));
    if (reply !== null && reply.status !== 200) load.tally.faults.push(`GET ${path}: ${reply.status} ${JSON.stringify(reply.body).slice(0, 200)}`);
    await pause(50 + 150 * load.random());
  }
}

const NEXT: Readonly<Record<string, object>> = {
  new: { status: 'analyzing' }, analyzing: { status: 'exploitable', justification: 'It can be reached from outside.' }, exploitable: { status: 'analyzing' }, fixed: { status: 'analyzing' },
};

/** Moves findings from state to state; what others moved meanwhile (412, 409) is looked at again. */
export async function triager(load: Load, person: Person): Promise<void> {
  while (load.on) {
    await pause(100 + 200 * load.random());
    const project = person.projects[Math.floor(load.random() * person.projects.length)] ?? '';
    const found = await person.call('listFindings', 'GET', `/v1/projects/${project}/vulnerabilities?limit=50`);
    const items = member(found?.body, 'items');
    const finding: unknown = Array.isArray(items) ? items[Math.floor(load.random() * items.length)] : undefined;
    const move = NEXT[String(member(finding, 'status'))];
    if (move === undefined) continue;
    const reply = await person.call('triage', 'PATCH', `/v1/vulnerability_findings/${String(member(finding, 'id'))}/status`, { json: move, headers: { 'If-Match': String(member(finding, 'version')) } });
    if (reply !== null && ![200, 409, 412].includes(reply.status)) load.tally.faults.push(`triage: ${reply.status} ${JSON.stringify(reply.body).slice(0, 300)}`);
  }
}
