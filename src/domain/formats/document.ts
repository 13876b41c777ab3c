/** What every SBOM writer is given, and the vocabulary they share. The same scan in the same state gives the same bytes. */
import type { DocumentComponentRow } from '../../db/components.ts';
import type { DocumentFindingRow } from '../../db/scan-findings.ts';

/** The document as a whole. */
export interface DocumentHead {
  /** Of the scan, or of the project that has none: names the document. */
  id: string;
  /** The product that the document describes. */
  product: { name: string; version: string | null; description: string | null };
  /** Who answers for the data: the project's team. */
  author: string;
  /** RFC 3339: when the scan was completed. */
  timestamp: string;
  tool: { name: string; version: string };
}

export interface DocumentSource {
  head: DocumentHead;
  /** Batches in the order of ordinals, which run from 0 without gaps. */
  components: () => AsyncIterable<readonly DocumentComponentRow[]>;
  /** By vulnerability and package URL. */
  findings: () => Promise<readonly DocumentFindingRow[]>;
  /** Texts of licences that are on no list, by `LicenseRef-...`. */
  licenseTexts: () => Promise<ReadonlyMap<string, string>>;
}

export type DocumentWriter = (source: DocumentSource) => AsyncIterable<string>;

/** Edges of the graph and names of the nodes, gathered while the components are written. Small: it holds 100,000 components easily. */
export class Graph {
  readonly #purls: string[] = [];
  readonly #edges: (readonly number[])[] = [];
  readonly #direct: number[] = [];
  #known = false;

  add(row: DocumentComponentRow): void {
    this.#purls[row.ordinal] = row.purl;
    this.#edges[row.ordinal] = row.depends_on;
    if (row.direct === true) this.#direct.push(row.ordinal);
    if (row.direct !== null) this.#known = true;
  }

  /** Does the scan know who depends on whom? Without a graph no edges may be written: they would say that nothing depends on anything. */
  get known(): boolean {
    return this.#known;
  }

  get direct(): readonly number[] {
    return this.#direct;
  }

  purl(ordinal: number): string {
    return this.#purls[ordinal] ?? '';
  }

  /** Each component and what it depends on. */
  *nodes(): Generator<{ ordinal: number; dependsOn: readonly number[] }> {
    for (const ordinal of this.#purls.keys()) yield { ordinal, dependsOn: this.#edges[ordinal] ?? [] };
  }
}

/** Texts joined to chunks of a size that is worth sending. */
export async function* inChunks(texts: AsyncIterable<string> | Iterable<string>, characters = 64 * 1024): AsyncGenerator<string> {
  let parts: string[] = [];
  let size = 0;
  for await (const text of texts) {
    parts.push(text);
    size += text.length;
    if (size < characters) continue;
    yield parts.join('');
    parts = [];
    size = 0;
  }
  if (size > 0) yield parts.join('');
}
