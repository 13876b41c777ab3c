/**
 * Fetching one source and importing it. An ecosystem is fetched as OSV's bucket has it: `modified_id.csv` tells what has changed, single records are fetched where
 * that is little, `all.zip` where it is much. What the list names is held against what is stored, so that a record that was missed once is found the next time.
 */
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { READER_VERSION } from '../../advisories/osv.ts';
import { missingAdvisories, recordSource, type Validator } from '../../db/advisory-sources.ts';
import { inTransaction } from '../../db/transaction.ts';
import { DownloadError, downloadFile, downloadText, shownUrl, type Download, type DownloadOptions } from '../../integrations/download.ts';
import type { Services } from '../context.ts';
import { importAdvisories } from './import.ts';
import type { ImportReport } from './report.ts';

export type SyncServices = Pick<Services, 'db' | 'enqueue' | 'config' | 'log' | 'now'>;

export interface SourceSync {
  services: SyncServices;
  name: string;
  /** Empty, for files; removed afterwards. */
  folder: string;
  /** Of what was imported by this reader. */
  validators: Readonly<Record<string, Validator>>;
  signal: AbortSignal;
  onProgress: (records: number) => void;
}

const MIB = 1024 * 1024;
const MAX_EXPORT_BYTES = 4096 * MIB;
const MAX_FILE_BYTES = 64 * MIB;
const EXPORT_TIMEOUT_MS = 3_600_000;
const FILE_TIMEOUT_MS = 300_000;
/** More changed records are fetched as the whole export. */
const MAX_SINGLE = 200;
/** Records that a stale export lacks, at most so many in one sync; the next one goes on. */
const MAX_LACKING = 2_000;
const SINGLE_AT_ONCE = 8;

/** A source that is one file. Returns what the import did; nothing where the server says that it has not changed. */
export async function syncFile(context: SourceSync, url: string, fallbackName: string): Promise<ImportReport[]> {
  const name = path.posix.basename(new URL(url).pathname);
  const file = path.join(context.folder, /\.(?:json|csv)(?:\.gz)?$/i.test(name) ? name : fallbackName);
  const answer = await downloadFile(url, file, bounds(context, url, MAX_FILE_BYTES, FILE_TIMEOUT_MS));
  if (answer.status === 'missing') throw new DownloadError(`${shownUrl(url)}: there is nothing`);
  return importFetched(context, file, url, answer);
}

export async function syncEcosystem(context: SourceSync, ecosystem: string): Promise<ImportReport[]> {
  const base = `${context.services.config.VULNDB_URL}/${encodeURIComponent(ecosystem)}`;
  const listUrl = `${base}/modified_id.csv`;
  const exportUrl = `${base}/all.zip`;
  const wasImported = Object.hasOwn(context.validators, shownUrl(exportUrl));
  const list = await downloadText(listUrl, { ...bounds(context, listUrl, MAX_FILE_BYTES, FILE_TIMEOUT_MS), ...(wasImported ? {} : { known: undefined }) });
  if (list.status === 'unchanged') return noteUnchanged(context);
  const listed = list.status === 'found' ? readList(list.text) : null;
  const missing = listed === null ? [] : await missingAdvisories(context.services.db, listed);
  const reports: ImportReport[] = [];
  let lacking = missing;
  if (listed === null || !wasImported || missing.length > MAX_SINGLE) {
    const file = path.join(context.folder, 'all.zip');
    const answer = await downloadFile(exportUrl, file, bounds(context, exportUrl, MAX_EXPORT_BYTES, EXPORT_TIMEOUT_MS));
    if (answer.status === 'missing') throw new DownloadError(`${shownUrl(exportUrl)}: there is nothing`);
    reports.push(...(await importFetched(context, file, exportUrl, answer)));
    await rm(file, { force: true });
    lacking = listed === null ? [] : await missingAdvisories(context.services.db, listed);
  }
  if (list.status === 'found') reports.push(...(await importSingle(context, base, lacking, { [shownUrl(listUrl)]: validatorOf(list) })));
  return reports;
}

/** `known` is what the server is told of what was imported of this URL. */
function bounds({ services: { config }, signal, validators }: SourceSync, url: string, maxBytes: number, timeoutMs: number): DownloadOptions {
  return { allowed: config.ALLOW_PRIVATE_ADDRESSES, maxBytes, timeoutMs, signal, known: validators[shownUrl(url)] };
}

const validatorOf = (answer: Extract<Download, { status: 'found' }>): Validator => ({ etag: answer.etag, last_modified: answer.last_modified, reader: READER_VERSION });

async function importFetched(context: SourceSync, file: string, url: string, answer: Download): Promise<ImportReport[]> {
  if (answer.status !== 'found') return noteUnchanged(context);
  const { services, name, onProgress } = context;
  return [await importAdvisories(services, file, onProgress, { source: name, complete: true, validators: { [shownUrl(url)]: validatorOf(answer) } })];
}

async function noteUnchanged({ services, name }: SourceSync): Promise<ImportReport[]> {
  await inTransaction(services.db, (tx) => recordSource(tx, { name, records: null, refused: 0, newestModified: null, digest: null, validators: {} }));
  return [];
}

/** Lines `2024-11-05T12:00:00Z,GHSA-...`; in OSV's list of all ecosystems the id has its folder before it. */
function readList(text: string): { id: string; modified: string }[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const [, modified = '', id = ''] = /^([12]\d{3}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)),(?:.*\/)?([A-Za-z][\w.:+-]{0,127})$/.exec(line.trim()) ?? [];
    return id === '' || Number.isNaN(Date.parse(modified)) ? [] : [{ id, modified }];
  });
}

/** Fetches records one by one and imports them together. The list counts as done only where none is left. */
async function importSingle(context: SourceSync, base: string, ids: readonly string[], validators: Readonly<Record<string, Validator>>): Promise<ImportReport[]> {
  if (ids.length === 0) {
    const { services, name } = context;
    await inTransaction(services.db, (tx) => recordSource(tx, { name, records: null, refused: 0, newestModified: null, digest: null, validators }));
    return [];
  }
  const folder = path.join(context.folder, 'records');
  await mkdir(folder);
  const wanted = ids.slice(0, MAX_LACKING);
  let gone = 0;
  for (let start = 0; start < wanted.length; start += SINGLE_AT_ONCE) {
    await Promise.all(wanted.slice(start, start + SINGLE_AT_ONCE).map(async (id, index) => {
      const url = `${base}/${encodeURIComponent(id)}.json`;
      const { status } = await downloadFile(url, path.join(folder, `${start + index}.json`), { ...bounds(context, url, MAX_FILE_BYTES, FILE_TIMEOUT_MS), known: undefined });
      if (status === 'missing') gone += 1;
    }));
  }
  const isAll = gone === 0 && wanted.length === ids.length;
  return [await importAdvisories(context.services, folder, context.onProgress, { source: context.name, complete: false, validators: isAll ? validators : {} })];
}
