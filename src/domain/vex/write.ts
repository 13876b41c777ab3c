/** VEX documents out: OpenVEX 0.2.0 and CycloneDX 1.6. One statement a finding; the same findings in the same state give the same bytes. */
import { uuidv5 } from '../../core/ids.ts';
import type { VexRow } from '../../db/vex.ts';
import { inChunks, type DocumentHead } from '../formats/document.ts';
import { methodOf } from '../formats/cyclonedx-document.ts';
import { CYCLONEDX_STATE, NOTE_PROPERTY, noteOf, OPENVEX_JUSTIFICATION, OPENVEX_STATUS, type Judged, type VexFormat } from './vocabulary.ts';

export interface VexSource {
  head: DocumentHead;
  /** Grows with the content. */
  revision: number;
  /** RFC 3339: the newest decision. */
  updated: string;
  rows: () => Promise<readonly VexRow[]>;
}

const NAMESPACE = '0f3b8f0a-6f0e-5f55-8b44-1d4c7e6a2c11';

export const writeVex: Readonly<Record<VexFormat, (source: VexSource) => AsyncIterable<string>>> = { openvex: (source) => inChunks(openVex(source)), cyclonedx: (source) => inChunks(cycloneDx(source)) };

const judged = ({ status, code, expires_at, scope }: VexRow): Judged => ({ status, code, expiresAt: expires_at, scope: scope ?? 'version' });

async function* openVex({ head, revision, updated, rows }: VexSource): AsyncGenerator<string> {
  const document = {
    '@context': 'https://openvex.dev/ns/v0.2.0', '@id': `https://trustedoss.io/vex/${head.id}`, author: head.author, role: 'Software producer', timestamp: head.timestamp, last_updated: updated, version: revision,
    tooling: `${head.tool.name} ${head.tool.version}`,
  };
  yield `${JSON.stringify(document).slice(0, -1)},\n"statements":[`;
  let separator = '\n';
  for (const row of await rows()) {
    yield separator + JSON.stringify(statement(row));
    separator = ',\n';
  }
  yield '\n]}\n';
}

/** `not_affected` needs a justification or an impact statement, `affected` an action statement: where nobody wrote one, what can be done is said. */
function statement(row: VexRow): object {
  const status = OPENVEX_STATUS[row.status];
  const note = noteOf('openvex', judged(row));
  const text = row.justification;
  const words = [...(note === null ? [] : [`${NOTE_PROPERTY}: ${note}`]), ...(text === null || status === 'not_affected' || status === 'affected' ? [] : [text])].join('\n');
  return {
    vulnerability: { name: row.cve_id, ...(row.aliases.length === 0 ? {} : { aliases: row.aliases }) }, timestamp: row.decided_at, products: [{ '@id': row.purl, identifiers: { purl: row.purl } }], status,
    ...(words === '' ? {} : { status_notes: words }),
    ...(status === 'not_affected' ? { ...(row.code === null ? {} : { justification: OPENVEX_JUSTIFICATION[row.code] }), ...(text === null && row.code !== null ? {} : { impact_statement: text ?? 'Judged as not affecting the product.' }) } : {}),
    ...(status === 'affected' ? { action_statement: text ?? actionOf(row) } : {}),
  };
}

const actionOf = ({ fixed_version: fixed }: VexRow): string => (fixed === null ? 'No fixed version is known yet.' : `Upgrade to version ${fixed} or later.`);

async function* cycloneDx({ head, revision, updated, rows }: VexSource): AsyncGenerator<string> {
  const found = await rows();
  const metadata = {
    timestamp: updated, tools: { components: [{ type: 'application', name: head.tool.name, version: head.tool.version }] }, authors: [{ name: head.author }],
    component: { type: 'application', 'bom-ref': 'sca-portal:root', name: head.product.name, ...(head.product.version === null ? {} : { version: head.product.version }) },
  };
  yield `{"bomFormat":"CycloneDX","specVersion":"1.6","serialNumber":"urn:uuid:${uuidv5(`vex:${head.id}`, NAMESPACE)}","version":${revision},\n"metadata":${JSON.stringify(metadata)},\n"components":[`;
  let separator = '\n';
  for (const { purl, name, version } of new Map(found.map((row) => [row.purl, row])).values()) {
    yield separator + JSON.stringify({ type: 'library', 'bom-ref': purl, name, version, purl });
    separator = ',\n';
  }
  yield '\n],\n"vulnerabilities":[';
  separator = '\n';
  for (const row of found) {
    yield separator + JSON.stringify(vulnerability(row));
    separator = ',\n';
  }
  yield '\n]}\n';
}

function vulnerability(row: VexRow): object {
  const note = noteOf('cyclonedx', judged(row));
  const url = (id: string): string => `https://osv.dev/vulnerability/${encodeURIComponent(id)}`;
  return {
    'bom-ref': `urn:uuid:${uuidv5(row.finding_id, NAMESPACE)}`, id: row.cve_id, source: row.sources.includes('osv') ? { name: 'OSV', url: url(row.cve_id) } : { name: 'Dependency-Track' },
    ...(row.aliases.length === 0 ? {} : { references: row.aliases.map((id) => ({ id, source: { name: 'OSV', url: url(id) } })) }),
    ratings: [{ ...(row.cvss_score === null ? {} : { score: row.cvss_score }), severity: row.severity, ...(row.cvss_vector === null ? {} : { method: methodOf(row.cvss_vector), vector: row.cvss_vector }) }],
    ...(row.cwes.length === 0 ? {} : { cwes: row.cwes.map((cwe) => Number(cwe.slice('CWE-'.length))) }), ...(row.published_at === null ? {} : { published: row.published_at }),
    ...(row.fixed_version === null ? {} : { recommendation: actionOf(row) }),
    analysis: { state: CYCLONEDX_STATE[row.status], ...(row.code === null ? {} : { justification: row.code }), ...(row.justification === null ? {} : { detail: row.justification }), lastUpdated: row.decided_at },
    affects: [{ ref: row.purl }], ...(note === null ? {} : { properties: [{ name: NOTE_PROPERTY, value: note }] }),
  };
}
