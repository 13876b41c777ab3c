/** OSV records made on the spot, and importing them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { interpret, listSource, readDocuments, type Fault, type SourceItem } from '../../src/advisories/read.ts';
import { messageOf } from '../../src/core/values.ts';
import { importAdvisories } from '../../src/domain/advisories/import.ts';
import type { ImportReport } from '../../src/domain/advisories/report.ts';
import type { Services } from '../../src/domain/context.ts';

export interface Described {
  id: string;
  modified?: string;
  aliases?: string[];
  withdrawn?: string;
  name?: string;
  introduced?: string;
  fixed?: string;
  cvss?: string;
  cwes?: string[];
}

/** A record of an npm package: affected from `introduced` up to below `fixed`. */
export const osv = ({ id, modified = '2024-01-01T00:00:00Z', aliases = [], withdrawn, name = 'left', introduced = '0', fixed = '2.0.0', cvss, cwes }: Described): object => ({
  id, modified, aliases, ...(withdrawn === undefined ? {} : { withdrawn }), ...(cvss === undefined ? {} : { severity: [{ type: 'CVSS_V3', score: cvss }] }),
  ...(cwes === undefined ? {} : { database_specific: { cwe_ids: cwes } }),
  affected: [{ package: { ecosystem: 'npm', name }, ranges: [{ type: 'SEMVER', events: [{ introduced }, { fixed }] }] }],
});

/** `tries`: how often the transaction was run; more than once after a deadlock. */
export async function importFiles(services: Pick<Services, 'db' | 'enqueue'>, ...documents: readonly (object | string)[]): Promise<ImportReport & { tries: number }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sca-portal-import-'));
  try {
    for (const [index, document] of documents.entries()) {
      const csv = typeof document === 'string' && /^(?:#|cve,)/.test(document);
      await writeFile(path.join(folder, `${index}.${csv ? 'csv' : 'json'}`), typeof document === 'string' ? document : JSON.stringify(document));
    }
    let tries = 0;
    const report = await importAdvisories(services, folder, () => { tries += 1; });
    return { ...report, tries };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Everything at the path, read. */
export async function* readSource(location: string): AsyncGenerator<SourceItem | (Fault & { kind: 'fault' })> {
  for (const file of await listSource(location)) {
    for await (const part of readDocuments(file)) {
      if ('message' in part) {
        yield { kind: 'fault', ...part };
        continue;
      }
      let item: SourceItem | (Fault & { kind: 'fault' });
      try {
        item = interpret(part, file.kind);
      } catch (error) {
        item = { kind: 'fault', origin: part.origin, message: messageOf(error) };
      }
      yield item;
    }
  }
}
