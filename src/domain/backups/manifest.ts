/** What stands at the end of a backup's archive: what it holds, and how to tell whether it is whole. */
import { DomainError } from '../../core/errors.ts';
import { isRecord } from '../../core/values.ts';

export interface TableEntry {
  name: string;
  columns: string[];
  rows: number;
  bytes: number;
  /** Of the rows as they are written, in hex. */
  sha256: string;
}

export interface Manifest {
  format: 'sca-portal-backup';
  version: 1;
  name: string;
  kind: 'auto' | 'manual';
  /** RFC 3339. */
  created_at: string;
  /** That had been applied, in order; the last one is the revision. */
  migrations: { name: string; checksum: string }[];
  /** Tells whether a portal has the master key that credentials are sealed with. In hex. */
  key_check: string;
  tables: TableEntry[];
  sequences: { table: string; column: string; last: number | null }[];
}

export const MANIFEST = 'manifest.json';
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;
export const MAX_TABLES = 1_000;
/** The rows of a table are cut into entries of at most so many bytes, anywhere. */
export const PART_BYTES = 8 * 1024 * 1024;
/** Where part `number`, from 1, of a table's rows is. */
export const partName = (table: string, number: number): string => `data/${table}/${String(number).padStart(6, '0')}.copy`;
export const PART_NAME = /^data\/([a-z][a-z0-9_]{0,62})\/(\d{6,9})\.copy$/;
const BACKUP_NAME = /^(auto|manual)-\d{8}T\d{6}Z$/;

/** COPY ends each row by a line feed, and writes those within values as `\n`. */
export function linesIn(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines += 1;
  return lines;
}

export const invalidBackup = (detail: string): DomainError => new DomainError('invalid-backup', detail);

/** Throws invalid-backup. */
export function parseManifest(text: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalidBackup('The manifest is not JSON.');
  }
  if (!isManifest(value)) throw invalidBackup('The manifest is not that of a backup which this version of the portal can read.');
  return value;
}

const isText = (value: unknown, pattern: RegExp): boolean => typeof value === 'string' && pattern.test(value);
const isCount = (value: unknown): boolean => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
const isList = (value: unknown, most: number, isItem: (item: unknown) => boolean): boolean => Array.isArray(value) && value.length <= most && value.every(isItem);
const NAME = /^[a-z][a-z0-9_]{0,62}$/;
const SHA256 = /^[0-9a-f]{64}$/;

function isManifest(value: unknown): value is Manifest {
  return isRecord(value) && value['format'] === 'sca-portal-backup' && value['version'] === 1 && isText(value['name'], BACKUP_NAME) && (value['kind'] === 'auto' || value['kind'] === 'manual')
    && typeof value['created_at'] === 'string' && isText(value['key_check'], SHA256)
    && Array.isArray(value['migrations']) && value['migrations'].length > 0 && isList(value['migrations'], 10_000, (one) => isRecord(one) && isText(one['name'], /^\d{4}_\w+\.sql$/) && isText(one['checksum'], SHA256))
    && isList(value['tables'], MAX_TABLES, (one) => isRecord(one) && isText(one['name'], NAME) && isList(one['columns'], 1_000, (name) => isText(name, NAME)) && isCount(one['rows']) && isCount(one['bytes']) && isText(one['sha256'], SHA256))
    && isList(value['sequences'], 1_000, (one) => isRecord(one) && isText(one['table'], NAME) && isText(one['column'], NAME) && (one['last'] === null || isCount(one['last'])));
}
