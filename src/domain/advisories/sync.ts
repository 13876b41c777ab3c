/**
 * Keeping vulnerability data current: which sources the settings want, which of them are due, and fetching what has changed. Each source is fetched and imported
 * for itself, so that a sync that breaks off goes on with the others, and one that fails keeps none of them. Nothing here needs to be alone: imports take turns,
 * and a second one finds nothing new.
 */
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { READER_VERSION } from '../../advisories/osv.ts';
import { messageOf } from '../../core/values.ts';
import { hasRestoredSince } from '../../db/backups.ts';
import { forgetValidators, listSources, recordSource, recordSourceFailure, usedEcosystems, type SourceRow } from '../../db/advisory-sources.ts';
import { inTransaction } from '../../db/transaction.ts';
import { downloadText, shownUrl } from '../../integrations/download.ts';
import type { Services } from '../context.ts';
import { syncEcosystem, syncFile, type SourceSync, type SyncServices } from './fetch.ts';
import type { ImportReport } from './report.ts';

export interface SyncOptions {
  /** Also what is not due yet. */
  force: boolean;
  signal: AbortSignal;
  onProgress: (source: string, records: number) => void;
}

export interface SyncOutcome {
  source: string;
  /** What its imports did; none where nothing has changed. */
  reports: ImportReport[];
  /** Why it failed; null where it did not. */
  error: string | null;
}

const FIRST_RETRY_MS = 5 * 60_000;
const FOLDER_KEEP_MS = 86_400_000;

/** Never throws for a source that fails: that is noted, and tried again later, less and less often. */
export async function syncAdvisories(services: SyncServices, options: SyncOptions): Promise<SyncOutcome[]> {
  const { config, db } = services;
  const known = new Map((await listSources(db)).map((source) => [source.name, source]));
  const due = (name: string): boolean => options.force || isDue(known.get(name), config.VULNDB_INTERVAL_HOURS * 3_600_000, services.now());
  const outcomes: SyncOutcome[] = [];
  for (const { name, sync } of await wantedSources(services, options, due)) {
    if (due(name)) outcomes.push(await syncOne(services, options, name, known.get(name), sync));
  }
  return outcomes;
}

function isDue(source: SourceRow | undefined, intervalMs: number, now: Date): boolean {
  if (source === undefined) return true;
  const wait = source.failures === 0 ? intervalMs : Math.min(intervalMs, FIRST_RETRY_MS * 2 ** Math.min(source.failures - 1, 20));
  return now.getTime() >= Date.parse(source.tried_at) + wait;
}

interface WantedSource {
  name: string;
  sync: (context: SourceSync) => Promise<ImportReport[]>;
}

async function wantedSources(services: SyncServices, options: SyncOptions, due: (name: string) => boolean): Promise<WantedSource[]> {
  const { KEV_URL, EPSS_URL } = services.config;
  return [
    ...(KEV_URL === 'off' ? [] : [{ name: 'kev', sync: (context: SourceSync) => syncFile(context, KEV_URL, 'kev.json') }]),
    ...(EPSS_URL === 'off' ? [] : [{ name: 'epss', sync: (context: SourceSync) => syncFile(context, EPSS_URL, 'epss.csv.gz') }]),
    ...(await ecosystems(services, options, due)).map((name) => ({ name: `osv:${name}`, sync: (context: SourceSync) => syncEcosystem(context, name) })),
  ];
}

async function ecosystems({ config, db, log }: SyncServices, { signal }: SyncOptions, due: (name: string) => boolean): Promise<readonly string[]> {
  if (config.VULNDB_ECOSYSTEMS === 'auto') return usedEcosystems(db);
  if (config.VULNDB_ECOSYSTEMS !== 'all') return config.VULNDB_ECOSYSTEMS;
  if (!due(INDEX)) return (await listSources(db)).flatMap(({ name }) => (name.startsWith('osv:') ? [name.slice(4)] : []));
  try {
    const { status, text } = await downloadText(`${config.VULNDB_URL}/ecosystems.txt`, { allowed: config.ALLOW_PRIVATE_ADDRESSES, maxBytes: 1024 * 1024, timeoutMs: 60_000, signal });
    if (status !== 'found') throw new Error(`${shownUrl(config.VULNDB_URL)}: there is no ecosystems.txt`);
    const names = [...new Set(text.split(/\r?\n/).map((line) => line.trim().split(':', 1)[0] ?? ''))].filter((name) => /^[\w][\w .+-]{0,63}$/.test(name));
    await inTransaction(db, (tx) => recordSource(tx, { name: INDEX, records: names.length, refused: 0, newestModified: null, digest: null, validators: {} }));
    return names;
  } catch (error) {
    signal.throwIfAborted();
    await noteFailure({ db, log }, INDEX, messageOf(error));
    return [];
  }
}
/** The list of all ecosystems, which is a source of its own where all are wanted. */
const INDEX = 'ecosystems';

async function syncOne(services: SyncServices, options: SyncOptions, name: string, source: SourceRow | undefined, sync: WantedSource['sync']): Promise<SyncOutcome> {
  const { config, db, log } = services;
  const parent = path.join(config.DATA_DIR, 'vulndb');
  await mkdir(parent, { recursive: true });
  await sweepFolders(parent, services.now());
  const folder = await mkdtemp(path.join(parent, 'sync-'));
  try {
    const validators = Object.fromEntries(Object.entries(source?.validators ?? {}).filter(([, { reader }]) => reader === READER_VERSION));
    const onProgress = (records: number): void => {
      options.signal.throwIfAborted(); // an import under way is rolled back
      options.onProgress(name, records);
    };
    const began = services.now();
    const reports = await sync({ services, name, folder, validators, signal: options.signal, onProgress });
    if (await hasRestoredSince(db, began)) await inTransaction(db, (tx) => forgetValidators(tx, name)); // of what it looked at, some is in data that are no more
    const changed = reports.reduce((sum, report) => sum + report.changed, 0);
    if (changed > 0 || (source?.failures ?? 0) > 0) log.info({ source: name, changed }, 'vulnerability data is current again');
    return { source: name, reports, error: null };
  } catch (error) {
    options.signal.throwIfAborted();
    const message = messageOf(error);
    await noteFailure({ db, log }, name, message);
    return { source: name, reports: [], error: message };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** One line in the log when a source begins to fail, none while it goes on: an installation without the internet says so once. The health page has it all the time. */
async function noteFailure({ db, log }: Pick<Services, 'db' | 'log'>, name: string, message: string): Promise<void> {
  const failures = await recordSourceFailure(db, name, message.slice(0, 1000));
  if (failures === 1) log.warn({ source: name }, `vulnerability data could not be fetched: ${message}`);
  else log.debug({ source: name, failures }, `vulnerability data could not be fetched: ${message}`);
}

/** Of syncs that were killed. */
async function sweepFolders(parent: string, now: Date): Promise<void> {
  for (const name of await readdir(parent)) {
    const folder = path.join(parent, name);
    const found = await stat(folder).catch(() => null);
    if (found !== null && found.mtimeMs < now.getTime() - FOLDER_KEEP_MS) await rm(folder, { recursive: true, force: true });
  }
}
