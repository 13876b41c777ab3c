/**
 * Vulnerability data as files: an OSV export (zip), one OSV record, CISA's KEV catalogue (json), EPSS scores (csv), each of them also
 * gzipped, or a folder of all these. Files are first documents with a hash, so that what is known already needs no reading.
 */
import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { isRecord, messageOf } from '../core/values.ts';
import { READER_VERSION } from './osv.ts';
import { readZip } from './zip.ts';

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

export interface SourceFile {
  path: string;
  /** As it is told to people. */
  origin: string;
  kind: 'zip' | 'json' | 'csv';
}

/** A file, or an entry of a zip, unread. */
export interface SourceDocument {
  origin: string;
  content: Buffer;
  /** SHA-256 of the content and of our way to read it. */
  hash: Buffer;
}

export interface Fault {
  origin: string;
  message: string;
}

export type SourceItem =
  | { kind: 'osv'; origin: string; record: unknown; hash: Buffer }
  | { kind: 'kev'; origin: string; entries: readonly ExploitedEntry[]; date: string | null; hash: Buffer }
  | { kind: 'epss'; origin: string; entries: readonly PredictionEntry[]; date: string | null; hash: Buffer };

export class SourceError extends Error {}

const MAX_FILE_BYTES = 64 * 1024 * 1024;
const NAMES = /\.(zip|json|csv)(?:\.gz)?$/i;
const DATE = /^\d{4}-\d\d-\d\d$/;
const CVE = /^CVE-\d{4}-\d{4,}$/;

/** The files at the path, in the order of names. Throws SourceError where there is nothing that could be read. */
export async function listSource(location: string): Promise<SourceFile[]> {
  const found = await stat(location).catch(() => null);
  if (found === null) throw new SourceError(`There is nothing at '${location}'. Name a zip, a folder or a single record.`);
  if (!found.isDirectory()) {
    if (!NAMES.test(location)) throw new SourceError(`'${location}' is neither a folder nor a .zip, .json or .csv file (.gz is fine).`);
    return [sourceFile(location, path.basename(location))];
  }
  const entries = await readdir(location, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && NAMES.test(entry.name)).map((entry) => path.join(entry.parentPath, entry.name));
  return files.sort().map((file) => sourceFile(file, path.relative(location, file)));
}

function sourceFile(file: string, origin: string): SourceFile {
  const kind = NAMES.exec(file)?.[1]?.toLowerCase();
  return { path: file, origin, kind: kind === 'zip' || kind === 'csv' ? kind : 'json' };
}

/** SHA-256 of a file and of our way to read it. */
export async function fileDigest(file: string): Promise<Buffer> {
  const hash = newHash();
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 })) hash.update(Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk)));
  return hash.digest();
}

const newHash = () => createHash('sha256').update(`${READER_VERSION}\n`);

/** The documents of a file; a part that cannot be read is told as a fault. */
export async function* readDocuments({ path: file, origin, kind }: SourceFile): AsyncGenerator<SourceDocument | Fault> {
  try {
    if (kind !== 'zip') {
      yield toDocument(await readWhole(file), origin);
      return;
    }
    for await (const item of readZip(file, (name) => /\.json$/i.test(name), MAX_FILE_BYTES)) {
      yield 'fault' in item ? { origin: `${origin}/${item.name}`, message: item.fault } : toDocument(item.content, `${origin}/${item.name}`);
    }
  } catch (error) {
    yield { origin, message: messageOf(error) };
  }
}

const toDocument = (content: Buffer, origin: string): SourceDocument => ({ origin, content, hash: newHash().update(content).digest() });

async function readWhole(file: string): Promise<Buffer> {
  if ((await stat(file)).size > MAX_FILE_BYTES) throw new Error(`is larger than ${MAX_FILE_BYTES} bytes`);
  const stored = await readFile(file);
  return /\.gz$/i.test(file) ? promisify(gunzip)(stored, { maxOutputLength: MAX_FILE_BYTES }) : stored;
}

/** What a document is. Throws an Error that says why it is nothing. */
export function interpret({ origin, content, hash }: SourceDocument, kind: SourceFile['kind']): SourceItem {
  const text = decode(content);
  if (kind === 'csv') return { kind: 'epss', origin, hash, ...readPredictions(text) };
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw new Error(`is not JSON: ${messageOf(error)}`, { cause: error });
  }
  if (isRecord(document) && Array.isArray(document['vulnerabilities']) && 'catalogVersion' in document) {
    const entries = document['vulnerabilities'].flatMap(exploitedEntry);
    if (entries.length === 0 && document['vulnerabilities'].length > 0) throw new Error('is a catalogue of which no entry can be read');
    return { kind: 'kev', origin, hash, entries, date: moment(document['dateReleased']) };
  }
  return { kind: 'osv', origin, record: document, hash };
}

/** UTF-8, with or without a byte order mark, or UTF-16 with one. */
function decode(content: Buffer): string {
  const mark = content.subarray(0, 2).toString('hex');
  if (mark === 'fffe' || mark === 'feff') return new TextDecoder(mark === 'fffe' ? 'utf-16le' : 'utf-16be').decode(content);
  if (!isUtf8(content)) throw new Error('is not UTF-8');
  return content.toString('utf8').replace(/^\uFEFF/, '');
}

function exploitedEntry(entry: unknown): ExploitedEntry[] {
  const { cveID: cveId, dateAdded: addedOn, dueDate: dueOn } = isRecord(entry) ? entry : {};
  if (typeof cveId !== 'string' || !CVE.test(cveId) || !isDate(addedOn)) return [];
  return [{ cveId, addedOn, dueOn: isDate(dueOn) ? dueOn : null }];
}

/** A day that there is: PostgreSQL refuses a 30th of February, and the whole import with it. */
const isDate = (value: unknown): value is string => typeof value === 'string' && DATE.test(value) && moment(`${value}T00:00:00Z`)?.startsWith(value) === true;

/** RFC 3339, or null. */
function moment(value: unknown): string | null {
  const time = new Date(typeof value === 'string' ? value.replace(/\+0000$/, 'Z') : Number.NaN);
  return Number.isNaN(time.getTime()) ? null : time.toISOString();
}

/** FIRST's file: comment lines (`#model_version:...,score_date:...`), the heading `cve,epss,percentile`, a line a CVE. */
function readPredictions(text: string): { entries: PredictionEntry[]; date: string | null } {
  const lines = text.split(/\r?\n/);
  const heading = lines.findIndex((line) => /^cve,epss,percentile$/i.test(line.trim()));
  if (heading === -1) throw new Error('is no EPSS file: it lacks the heading "cve,epss,percentile"');
  const entries = lines.slice(heading + 1).flatMap((line) => {
    const [cveId = '', score = '', percentile = ''] = line.trim().split(',');
    return CVE.test(cveId) && isShare(score) && isShare(percentile) ? [{ cveId, score: Number(score), percentile: Number(percentile) }] : [];
  });
  if (entries.length === 0) throw new Error('is an EPSS file without scores');
  return { entries, date: moment(/score_date:([^,\s]+)/.exec(lines.slice(0, heading).join('\n'))?.[1]) };
}

const isShare = (text: string): boolean => text !== '' && Number(text) >= 0 && Number(text) <= 1;
