/** A portal that keeps its vulnerability data current from a mirror on loopback; what is put on the mirror, and what came of it. */
import { gzipSync } from 'node:zlib';
import { pino } from 'pino';
import type { Config } from '../../src/config.ts';
import { syncAdvisories, type SyncOutcome } from '../../src/domain/advisories/sync.ts';
import { osv, type Described } from './advisories.ts';
import { startMirror, type Mirror } from './mirror.ts';
import { startTestPortal, type TestPortal } from './portal.ts';
import { zipOf } from './zip.ts';

/** An OSV record, as lists and files of a mirror have it. */
interface Published {
  id: string;
  modified: string;
  text: string;
}

export const record = (described: Described): Published => ({ id: described.id, modified: described.modified ?? '2024-01-01T00:00:00Z', text: JSON.stringify(osv(described)) });
export const kev = (...ids: string[]): string => JSON.stringify({ catalogVersion: '1', vulnerabilities: ids.map((cveID) => ({ cveID, dateAdded: '2024-05-01', dueDate: '2024-05-22' })) });
export const epss = (...scores: [cve: string, score: number][]): Buffer => gzipSync(`#model_version:v1,score_date:2024-06-01T00:00:00+0000\ncve,epss,percentile\n${scores.map(([cve, score]) => `${cve},${score},0.5`).join('\n')}\n`);

/** What a source failed with; null where it did not. */
export const outcome = (outcomes: readonly SyncOutcome[], source: string): string | null | undefined => outcomes.find((one) => one.source === source)?.error;
export const changes = (outcomes: readonly SyncOutcome[]): number => outcomes.flatMap(({ reports }) => reports).reduce((sum, { changed }) => sum + changed, 0);

export interface SyncedPortal extends TestPortal {
  mirror: Mirror;
  /** Lines of the portal's log. */
  logged: string[];
  /** Puts an ecosystem's list, export and single records on the mirror; the export may lag behind. */
  publish: (records: readonly Published[], exported?: readonly Published[], ecosystem?: string) => void;
  /** By settings that differ from the portal's in `over`. */
  sync: (over?: Partial<Config>, force?: boolean, now?: () => Date) => Promise<SyncOutcome[]>;
}

export async function startSyncedPortal(): Promise<SyncedPortal> {
  const mirror = await startMirror();
  const logged: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void logged.push(line) });
  const started = await startTestPortal(
    { VULNDB_URL: `${mirror.url.replace('//', '//me:secret@')}/osv/`, KEV_URL: `${mirror.url}/kev.json`, EPSS_URL: `${mirror.url}/epss.csv.gz` }, { api: true, worker: true }, log,
  );
  const { services } = started.portal;
  return {
    ...started, mirror, logged,
    publish: (records, exported = records, ecosystem = 'npm') => {
      mirror.put(`/osv/${ecosystem}/all.zip`, zipOf(exported.map(({ id, text }) => ({ name: `${id}.json`, content: text }))));
      mirror.put(`/osv/${ecosystem}/modified_id.csv`, records.map(({ id, modified }) => `${modified},${id}\n`).join(''));
      for (const { id, text } of records) mirror.put(`/osv/${ecosystem}/${id}.json`, text);
    },
    sync: (over = {}, force = true, now = services.now) =>
      syncAdvisories({ ...services, config: { ...services.config, ...over }, now }, { force, signal: new AbortController().signal, onProgress: () => undefined }),
  };
}
