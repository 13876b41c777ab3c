/** What a scan has detected as a CycloneDX document, before it is published: for Dependency-Track. */
import type { DocumentComponentRow } from '../../db/components.ts';
import { isRecord } from '../../core/values.ts';
import type { DocumentHead } from '../formats/document.ts';
import { writeCycloneDxJson } from '../formats/write-cyclonedx-json.ts';
import type { PreparedComponent } from './publish.ts';

const BATCH = 2_000;

/** Without vulnerabilities, and without texts of licences: those are not what is asked about. */
export function writeScanDocument(head: DocumentHead, components: readonly PreparedComponent[]): AsyncIterable<string> {
  return writeCycloneDxJson({
    head, components: () => batches(components), findings: () => Promise.resolve([]), licenseTexts: () => Promise.resolve(new Map()),
  });
}

async function* batches(components: readonly PreparedComponent[]): AsyncGenerator<DocumentComponentRow[]> {
  for (let start = 0; start < components.length; start += BATCH) yield await Promise.resolve(components.slice(start, start + BATCH).map(rowOf));
}

function rowOf({ row, coordinates }: PreparedComponent): DocumentComponentRow {
  return {
    ordinal: row.ordinal, purl: row.purl, name: coordinates.name, namespace: coordinates.namespace === '' ? null : coordinates.namespace, version: coordinates.version, type: row.type, scope: row.scope,
    license_expression: row.licenseExpression, license_concluded: null, license_detected: row.licenseDetected, supplier: row.supplier, copyright: row.copyright, description: row.description,
    hashes: hashesOf(row.hashes), installed: row.installed, depends_on: [...row.dependsOn], direct: row.direct,
  };
}

function hashesOf(json: string): Record<string, string> {
  const parsed: unknown = JSON.parse(json);
  return isRecord(parsed) ? Object.fromEntries(Object.entries(parsed).flatMap(([algorithm, digest]) => (typeof digest === 'string' ? [[algorithm, digest]] : []))) : {};
}
