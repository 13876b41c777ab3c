/** A scan as a CycloneDX 1.6 document, apart from its serialisation. */
import type { DocumentComponentRow } from '../../db/components.ts';
import type { DocumentFindingRow } from '../../db/scan-findings.ts';
import { uuidv5 } from '../../core/ids.ts';
import { findSpdxLicense } from '../licenses/spdx-list.ts';
import { DECLARED_PROPERTY } from './cyclonedx.ts';
import type { DocumentHead } from './document.ts';
import { INSTALLED_PROPERTY } from './installed.ts';

export const ROOT_REF = 'sca-portal:root';
/** CycloneDX has no word for development dependencies. */
const SCOPE_PROPERTY = 'sca-portal:scope';

/** What CycloneDX has no member for. */
export const propertiesOf = ({ scope, installed, license_concluded: concluded, license_expression: declared }: DocumentComponentRow): { name: string; value: string }[] => [
  ...(scope === 'dev' ? [{ name: SCOPE_PROPERTY, value: 'dev' }] : []), ...(installed === null ? [] : [{ name: INSTALLED_PROPERTY, value: installed }]),
  ...(concluded === null || declared === null ? [] : [{ name: DECLARED_PROPERTY, value: declared }]),
];
/** Namespace of the UUIDv5 serial numbers. */
const NAMESPACE = '5f1c3d0e-7d55-4d3e-9a43-2f1b6f1f0c55';

export const serialNumber = (head: DocumentHead): string => `urn:uuid:${uuidv5(`cyclonedx:${head.id}`, NAMESPACE)}`;

export type LicenseChoice = { id: string } | { name: string } | { expression: string };

/** One licence of the SPDX list by its id, a LicenseRef by its name, anything else as an expression. */
export function licenseChoice(expression: string): LicenseChoice {
  if (findSpdxLicense(expression)?.id === expression) return { id: expression };
  return /^LicenseRef-[A-Za-z0-9.-]+$/.test(expression) ? { name: expression } : { expression };
}

/** What people concluded comes before what the package declares; what its files were found to say is evidence. */
export function licensingOf({ license_concluded: concluded, license_expression: declared }: DocumentComponentRow): { choice: LicenseChoice; acknowledgement: 'concluded' | 'declared' } | null {
  const expression = concluded ?? declared;
  return expression === null ? null : { choice: licenseChoice(expression), acknowledgement: concluded === null ? 'declared' : 'concluded' };
}

export const scopeOf = (scope: DocumentComponentRow['scope']): 'required' | 'optional' | 'excluded' => (scope === 'dev' ? 'optional' : scope);

export interface VulnerabilitySource {
  name: string;
  url: string | null;
}

/** Who says that there is such a vulnerability: OSV's records before Dependency-Track. */
export const sourceOf = (id: string, sources: DocumentFindingRow['sources']): VulnerabilitySource =>
  (sources.includes('osv') ? { name: 'OSV', url: `https://osv.dev/vulnerability/${encodeURIComponent(id)}` } : { name: 'Dependency-Track', url: null });

export interface DocumentVulnerability {
  ref: string;
  id: string;
  source: VulnerabilitySource;
  rating: { score: number | null; severity: string; method: string | null; vector: string | null };
  cwes: readonly number[];
  description: string | null;
  published: string | null;
  recommendation: string | null;
  analysis: { state: string; justification: string | null; detail: string | null };
  affects: readonly string[];
}

/** VEX states by CycloneDX; `suppressed` is not_affected to the readers of the document, as in the earlier system. */
const STATES: Readonly<Record<DocumentFindingRow['status'], string>> = {
  new: 'in_triage', analyzing: 'in_triage', exploitable: 'exploitable', not_affected: 'not_affected', false_positive: 'false_positive', suppressed: 'not_affected', fixed: 'resolved',
};
const JUSTIFICATIONS: ReadonlySet<string> = new Set([
  'code_not_present', 'code_not_reachable', 'requires_configuration', 'requires_dependency', 'requires_environment', 'protected_by_compiler', 'protected_at_runtime', 'protected_at_perimeter', 'protected_by_mitigating_control',
]);

/** Findings of one vulnerability with the same judgement make one entry. */
export function documentVulnerabilities(findings: readonly DocumentFindingRow[]): DocumentVulnerability[] {
  const groups = Map.groupBy(findings, (finding) => JSON.stringify([finding.cve_id, finding.status, finding.justification, finding.justification_code, finding.fixed_version, ...(finding.sources.includes('osv') ? [] : ['dependency_track'])]));
  return [...groups.entries()].flatMap(([key, group]) => {
    const [first] = group;
    if (first === undefined) return [];
    const code = first.justification_code;
    return [{
      ref: `urn:uuid:${uuidv5(key, NAMESPACE)}`,
      id: first.cve_id,
      source: sourceOf(first.cve_id, first.sources),
      rating: { score: first.cvss_score, severity: first.severity, method: first.cvss_vector === null ? null : methodOf(first.cvss_vector), vector: first.cvss_vector },
      cwes: first.cwes.map((cwe) => Number(cwe.slice('CWE-'.length))),
      description: first.summary,
      published: first.published_at,
      recommendation: first.fixed_version === null ? null : `Upgrade to version ${first.fixed_version} or later.`,
      analysis: { state: STATES[first.status], justification: code !== null && JUSTIFICATIONS.has(code) ? code : null, detail: first.justification },
      affects: group.map((finding) => finding.purl),
    }];
  });
}

/** CycloneDX's name of the scoring method behind a vector. */
export function methodOf(vector: string): string {
  if (vector.startsWith('CVSS:4')) return 'CVSSv4';
  if (vector.startsWith('CVSS:3.1')) return 'CVSSv31';
  return vector.startsWith('CVSS:3') ? 'CVSSv3' : 'CVSSv2';
}
