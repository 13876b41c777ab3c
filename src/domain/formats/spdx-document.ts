/** A scan as an SPDX 2.3 document, apart from its serialisation. */
import type { DocumentComponentRow } from '../../db/components.ts';
import { licenseIds, parseExpression } from '../licenses/expression.ts';
import type { DocumentHead, Graph } from './document.ts';
import { fullPurl } from './installed.ts';
import { HASH_TO_SPDX, packageComment, PURPOSES } from './spdx-vocabulary.ts';

const ROOT_ID = 'SPDXRef-Product';
export const NONE = 'NOASSERTION';
export const packageId = (ordinal: number): string => `SPDXRef-Package-${ordinal}`;
export const documentNamespace = (head: DocumentHead): string => `https://trustedoss.io/spdx/${head.id}`;
/** Who made the document: the tool, for the project's team. */
export const creators = ({ tool, author }: DocumentHead): string[] => [`Tool: ${tool.name}-${tool.version}`, `Organization: ${author}`];
/** SPDX wants seconds. */
export const created = (head: DocumentHead): string => head.timestamp.replace(/\.\d+Z$/, 'Z');

export interface SpdxDocumentPackage {
  id: string;
  name: string;
  version: string | null;
  supplier: string;
  /** Declared. */
  license: string;
  concluded: string;
  copyright: string;
  purpose: string;
  checksums: readonly { algorithm: string; value: string }[];
  purl: string | null;
  description: string | null;
  comment: string | null;
  licenseComments: string | null;
}

export function productPackage({ product, author }: DocumentHead): SpdxDocumentPackage {
  return { id: ROOT_ID, name: product.name, version: product.version, supplier: `Organization: ${author}`, license: NONE, concluded: NONE, copyright: NONE, purpose: 'APPLICATION', checksums: [], purl: null, description: product.description, comment: null, licenseComments: null };
}

export function toPackage(row: DocumentComponentRow): SpdxDocumentPackage {
  return {
    id: packageId(row.ordinal), name: row.namespace === null ? row.name : `${row.namespace}/${row.name}`, version: row.version === '' ? null : row.version, supplier: row.supplier === null ? NONE : `Organization: ${row.supplier}`,
    license: asserted(row.license_expression), concluded: asserted(row.license_concluded), copyright: row.copyright ?? NONE, purpose: PURPOSES[row.type] ?? 'OTHER',
    checksums: Object.entries(row.hashes).flatMap(([name, value]) => (HASH_TO_SPDX[name] === undefined ? [] : [{ algorithm: HASH_TO_SPDX[name], value }])),
    purl: fullPurl(row), description: row.description, comment: packageComment(row.scope, row.type, row.installed), licenseComments: row.license_detected === null ? null : `Found in the package's files: ${row.license_detected}`,
  };
}

/** References into other documents are left out: this one cannot name those. */
function asserted(expression: string | null): string {
  return expression === null || expression.includes('DocumentRef-') ? NONE : expression;
}

/** `LicenseRef-...` that the expression names; each must be explained in the document. */
export function referencesIn(license: string): string[] {
  if (!license.includes('LicenseRef-')) return [];
  const parsed = parseExpression(license);
  return parsed.ok ? licenseIds(parsed.tree).filter((id) => id.startsWith('LicenseRef-')) : [];
}

/** The words that a LicenseRef was made of, which stand for its text where that is not known. */
export const referenceName = (id: string): string => id.slice('LicenseRef-'.length).replaceAll('-', ' ');

export interface Relationship {
  from: string;
  type: string;
  to: string;
}

export function* relationships(graph: Graph): Generator<Relationship> {
  yield { from: 'SPDXRef-DOCUMENT', type: 'DESCRIBES', to: ROOT_ID };
  if (!graph.known) {
    // who depends on whom is not known, only that all are in the product
    for (const { ordinal } of graph.nodes()) yield { from: ROOT_ID, type: 'CONTAINS', to: packageId(ordinal) };
    return;
  }
  for (const ordinal of graph.direct) yield { from: ROOT_ID, type: 'DEPENDS_ON', to: packageId(ordinal) };
  for (const { ordinal, dependsOn } of graph.nodes()) for (const target of dependsOn) yield { from: packageId(ordinal), type: 'DEPENDS_ON', to: packageId(target) };
}
