/**
 * Vulnerability data as files: an OSV export (zip), one OSV record, CISA's KEV catalogue (json), EPSS scores (csv), each of them also
 * gzipped, or a folder of all these.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import yauzl from 'yauzl';
import { isRecord, messageOf } from '../core/values.ts';
import { READER_VERSION } from './osv.ts';

export interface ExploitedEntry {
  cveId: string;
  /** YYYY-MM-DD. */
  addedOn: string;
  dueOn: string | null;
}

export interface PredictionEntry {
  cveId: string;
  /** Probability of exploitation within 30 days, 0 to 1. */
  score: number;
  /** 0 to 1. */
  percentile: number;
}

export type SourceItem =
  | { kind: 'osv'; origin: string; record: unknown; hash: Buffer }
  | { kind: 'kev'; origin: string; entries: readonly ExploitedEntry[] }
  | { kind: 'epss'; origin: string; entries: readonly PredictionEntry[] }
  | { kind: 'fault'; origin: string; message: string };

export class SourceError extends Error {}

const MAX_FILE_BYTES = 64 * 1024 * 1024;
const DATE = /^\d{4}-\d\d-\d\d$/;
const CVE = /^CVE-\d{4}-\d{4,}$/;

/** Everything at the path, in the order of names. A file that cannot be read is an item of kind `fault`; throws where there is nothing at all. */
export async function* readSource(location: string): AsyncGenerator<SourceItem> {
  const found = await stat(location).catch(() => null);
  if (found === null) throw new SourceError(`There is nothing at '${location}'.`);
  if (!found.isDirectory()) {
    if (!/\.(?:zip|json|csv)(?:\.gz)?$/i.test(location)) throw new SourceError(`'${location}' is neither a folder nor a .zip, .json or .csv file (.gz is fine).`);
    yield* readOne(location, path.basename(location));
    return;
  }
  const entries = await readdir(location, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && /\.(?:zip|json|csv)(?:\.gz)?$/i.test(entry.name)).map((entry) => path.join(entry.parentPath, entry.name));
  for (const file of files.sort()) yield* readOne(file, path.relative(location, file));
}

async function* readOne(file: string, origin: string): AsyncGenerator<SourceItem> {
  try {
    if (/\.zip$/i.test(file)) {
      yield* readZip(file, origin);
      return;
    }
    if ((await stat(file)).size > MAX_FILE_BYTES) throw new Error(`is larger than ${MAX_FILE_BYTES} bytes`);
    const stored = await readFile(file);
    const content = /\.gz$/i.test(file) ? await promisify(gunzip)(stored, { maxOutputLength: MAX_FILE_BYTES }) : stored;
    yield* /\.csv(?:\.gz)?$/i.test(file) ? readPredictions(content, origin) : readDocument(content, origin);
  } catch (error) {
    yield { kind: 'fault', origin, message: messageOf(error) };
  }
}

async function* readZip(file: string, origin: string): AsyncGenerator<SourceItem> {
  const zip = await yauzl.openPromise(file);
  try {
    for await (const entry of zip.eachEntry()) {
      if (!/\.json$/i.test(entry.fileName)) continue;
      const where = `${origin}/${entry.fileName}`;
      if (entry.uncompressedSize > MAX_FILE_BYTES) yield { kind: 'fault', origin: where, message: `is larger than ${MAX_FILE_BYTES} bytes` };
      else yield* readDocument(await buffer(await zip.openReadStreamPromise(entry)), where);
    }
  } finally {
    zip.close();
  }
}

function* readDocument(content: Buffer, origin: string): Generator<SourceItem> {
  let document: unknown;
  try {
    document = JSON.parse(content.toString('utf8'));
  } catch (error) {
    yield { kind: 'fault', origin, message: `is not JSON: ${messageOf(error)}` };
    return;
  }
  if (isRecord(document) && Array.isArray(document['vulnerabilities']) && 'catalogVersion' in document) {
    yield { kind: 'kev', origin, entries: document['vulnerabilities'].flatMap(exploitedEntry) };
  } else {
    yield { kind: 'osv', origin, record: document, hash: createHash('sha256').update(`${READER_VERSION}\n`).update(content).digest() };
  }
}

function exploitedEntry(entry: unknown): ExploitedEntry[] {
  const { cveID: cveId, dateAdded: addedOn, dueDate: dueOn } = isRecord(entry) ? entry : {};
  if (typeof cveId !== 'string' || !CVE.test(cveId) || typeof addedOn !== 'string' || !DATE.test(addedOn)) return [];
  return [{ cveId, addedOn, dueOn: typeof dueOn === 'string' && DATE.test(dueOn) ? dueOn : null }];
}

/** FIRST's file: comment lines, the heading `cve,epss,percentile`, a line a CVE. */
function* readPredictions(content: Buffer, origin: string): Generator<SourceItem> {
  const lines = content.toString('utf8').split(/\r?\n/);
  const heading = lines.findIndex((line) => /^cve,epss,percentile$/i.test(line.trim()));
  if (heading === -1) throw new Error('is no EPSS file: it lacks the heading "cve,epss,percentile"');
  const entries = lines.slice(heading + 1).flatMap((line) => {
    const [cveId = '', score = '', percentile = ''] = line.trim().split(',');
    return CVE.test(cveId) && isShare(score) && isShare(percentile) ? [{ cveId, score: Number(score), percentile: Number(percentile) }] : [];
  });
  yield { kind: 'epss', origin, entries };
}

const isShare = (text: string): boolean => text !== '' && Number(text) >= 0 && Number(text) <= 1;
