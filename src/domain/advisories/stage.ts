/** Reading files into the staging tables of an import. What is known already is passed over unread: whole files by their digest, records by their hash. */
import path from 'node:path';
import { readOsv } from '../../advisories/osv.ts';
import { fileDigest, interpret, listSource, readDocuments, SourceError, type ExploitedEntry, type PredictionEntry, type SourceDocument, type SourceFile, type SourceItem } from '../../advisories/read.ts';
import { messageOf } from '../../core/values.ts';
import { listSources, type SourceRow, type SourceSuccess, type Validator } from '../../db/advisory-sources.ts';
import { knownHashes, stageAdvisories, type HashedAdvisory } from '../../db/advisories.ts';
import type { Tx } from '../../db/connect.ts';
import type { ImportReport } from './report.ts';

/** What a sync knows of the files that it hands to an import: which source they are, and whether they are all of it. */
export interface Fetched {
  source: string;
  complete: boolean;
  validators: Readonly<Record<string, Validator>>;
}

export interface Staged {
  /** Null where none came, or nothing new. */
  exploited: readonly ExploitedEntry[] | null;
  predictions: readonly PredictionEntry[] | null;
  sources: SourceSuccess[];
}

const BATCH = 1_000;
const BATCH_BYTES = 32 * 1024 * 1024;
const MAX_FAULTS = 50;

/** Throws SourceError where there is nothing at `location`, or what was fetched cannot be read: the source counts as failed then. */
export async function stageSource(tx: Tx, location: string, report: ImportReport, onProgress: (records: number) => void, fetched: Fetched | null): Promise<Staged> {
  const known = new Map((await listSources(tx)).map((source) => [source.name, source]));
  const staging = new Staging(tx, report, onProgress, known);
  const files = await listSource(location);
  for (const file of files) {
    if (file.kind === 'zip') await staging.addZip(file, fetched?.source ?? sourceOf(file));
    else await staging.addFile(file, fetched?.source ?? 'files');
    if (fetched?.complete === true && staging.broken !== null) throw new SourceError(staging.broken);
  }
  return staging.finish(fetched);
}

/** By the names of OSV's exports: `PyPI.zip`, or `PyPI/all.zip`. */
function sourceOf(file: SourceFile): string {
  const name = path.basename(file.path).replace(/\.zip$/i, '');
  return `osv:${name === 'all' ? path.basename(path.dirname(path.resolve(file.path))) : name}`.slice(0, 100);
}

type Tally = Omit<SourceSuccess, 'records'> & { records: number };

class Staging {
  readonly #tx: Tx;
  readonly #report: ImportReport;
  readonly #onProgress: (records: number) => void;
  readonly #known: ReadonlyMap<string, SourceRow>;
  readonly #tallies = new Map<string, Tally>();
  readonly #staged: Staged = { exploited: null, predictions: null, sources: [] };
  #batch: { document: SourceDocument; kind: SourceFile['kind']; tally: Tally }[] = [];
  #bytes = 0;
  /** Why a file could not be read to its end; null where all could. */
  broken: string | null = null;

  constructor(tx: Tx, report: ImportReport, onProgress: (records: number) => void, known: ReadonlyMap<string, SourceRow>) {
    this.#tx = tx;
    this.#report = report;
    this.#onProgress = onProgress;
    this.#known = known;
  }

  async addZip(file: SourceFile, source: string): Promise<void> {
    const tally = this.#tally(source);
    const digest = await fileDigest(file.path);
    tally.digest = digest;
    const before = this.#known.get(source);
    if (before?.digest?.equals(digest) === true) {
      tally.records += before.records;
      tally.refused += before.refused;
      this.#report.records += before.records;
      this.#report.refused += before.refused;
      return;
    }
    await this.addFile(file, source);
  }

  async addFile(file: SourceFile, source: string): Promise<void> {
    for await (const part of readDocuments(file)) {
      if ('message' in part) {
        this.#refuse(this.#tally(source), part.origin, part.message);
        if (part.origin === file.origin) this.broken = `${part.origin} ${part.message}`;
        continue;
      }
      this.#batch.push({ document: part, kind: file.kind, tally: this.#tally(source) });
      this.#bytes += part.content.length;
      if (this.#batch.length >= BATCH || this.#bytes > BATCH_BYTES) await this.#flush();
    }
  }

  async finish(fetched: Fetched | null): Promise<Staged> {
    await this.#flush();
    if (fetched?.complete === true && this.#tally(fetched.source).records === 0) throw new SourceError(this.#report.faults[0] ?? 'nothing was in it');
    const sources = [...this.#tallies.values()].filter((tally) => tally.records + tally.refused > 0);
    for (const tally of sources) this.#staged.sources.push({ ...tally, ...(fetched?.complete === false ? { records: null } : {}), ...(tally.name === fetched?.source ? { validators: fetched.validators } : {}) });
    return this.#staged;
  }

  #tally(name: string): Tally {
    const tally = this.#tallies.get(name) ?? { name, records: 0, refused: 0, newestModified: null, digest: null, validators: {} };
    this.#tallies.set(name, tally);
    return tally;
  }

  #fault(origin: string, message: string): void {
    if (this.#report.faults.length < MAX_FAULTS) this.#report.faults.push(`${origin}: ${message}`);
  }

  #refuse(tally: Tally, origin: string, message: string): void {
    this.#report.refused += 1;
    tally.refused += 1;
    this.#fault(origin, message);
  }

  async #flush(): Promise<void> {
    const known = await knownHashes(this.#tx, this.#batch.map(({ document }) => document.hash));
    const advisories: HashedAdvisory[] = [];
    for (const { document, kind, tally } of this.#batch) {
      try {
        if (!known.has(document.hash.toString('hex'))) this.#read(interpret(document, kind), tally, advisories);
        else this.#count(tally);
      } catch (error) {
        this.#refuse(tally, document.origin, messageOf(error));
      }
    }
    this.#report.changed += await stageAdvisories(this.#tx, advisories);
    this.#batch = [];
    this.#bytes = 0;
    this.#onProgress(this.#report.records);
  }

  #count(tally: Tally): void {
    tally.records += 1;
    this.#report.records += 1;
  }

  #read(item: SourceItem, tally: Tally, advisories: HashedAdvisory[]): void {
    if (item.kind !== 'osv') return this.#addScores(item);
    const advisory = readOsv(item.record);
    for (const part of advisory.faults) this.#fault(advisory.id, part);
    advisories.push({ ...advisory, hash: item.hash });
    this.#count(tally);
    const { modified } = advisory.facts;
    if (tally.newestModified === null || tally.newestModified < modified) tally.newestModified = modified;
  }

  /** CISA's catalogue and EPSS come whole: the newest file is the truth, and an older one than the portal has is none. */
  #addScores(item: Exclude<SourceItem, { kind: 'osv' }>): void {
    const before = this.#known.get(item.kind);
    const tally = this.#tally(item.kind);
    const newest = tally.newestModified ?? before?.newest_modified_at ?? null;
    if (item.date !== null && newest !== null && Date.parse(item.date) < Date.parse(newest)) throw new Error(`is of ${item.date}, older than what the portal has, of ${newest}`);
    tally.newestModified = item.date;
    tally.records = item.entries.length;
    tally.digest = item.hash;
    const isNew = before?.digest?.equals(item.hash) !== true;
    if (item.kind === 'kev') this.#staged.exploited = isNew ? item.entries : null;
    else this.#staged.predictions = isNew ? item.entries : null;
    this.#report[item.kind === 'kev' ? 'exploited' : 'predictions'] = item.entries.length;
  }
}
