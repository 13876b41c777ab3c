/** The gate with what is behind it, as all formats show it. */
import { unwrap, type PortalClient, type Schema } from '../client.ts';
import { paginate } from '../paginate.ts';
import { UsageFault } from './faults.ts';

export interface Offender {
  /** `CVE-2021-44228`, or the licence. */
  title: string;
  severity: Schema<'Severity'> | null;
  /** `lodash 4.17.20`. */
  component: string;
  purl: string;
  fixedVersion: string | null;
  /** Known to be exploited. */
  kev: boolean;
  summary: string | null;
}

export interface Reason extends Pick<Schema<'GateReason'>, 'rule' | 'action' | 'message' | 'count'> {
  /** At most 20 of them. */
  offenders: readonly Offender[];
}

export interface Result {
  project: Pick<Schema<'Project'>, 'id' | 'name' | 'slug'>;
  /** Null where the gate is that of the project, and no scan was named. */
  scan: Schema<'Scan'> | null;
  gate: Schema<'GateResult'>;
  reasons: readonly Reason[];
  /** Open findings, the most urgent first; at most ten. */
  urgent: readonly Offender[];
  /** For people. */
  link: string;
}

type Finding = Schema<'FindingSummary'> | Schema<'FindingDetail'>;

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;
const SHOWN = 10;
const OPEN = ['new', 'analyzing', 'exploitable'] as const;
const ABOUT_LICENSES: ReadonlySet<string> = new Set(['forbidden_license', 'unknown_license', 'rejected_approval']);

/** By id or slug. Throws UsageFault where no project that the key may see has the slug. */
export async function findProject(client: PortalClient, named: string, signal: AbortSignal): Promise<Schema<'Project'>> {
  if (UUID.test(named)) return unwrap(client.GET('/v1/projects/{id}', { params: { path: { id: named } }, signal }));
  const near: string[] = [];
  for await (const project of paginate(client, '/v1/projects', { query: { q: named, sort: 'slug' } }, { signal })) {
    if (project.slug === named) return project;
    if (near.length < 5) near.push(project.slug);
  }
  throw new UsageFault(`The key may see no project with the slug '${named}'.${near.length > 0 ? ` Did you mean ${near.join(' or ')}?` : ''} --project (PORTAL_PROJECT) takes its slug or id.`);
}

/** @param scanId null: the project's current scan */
export async function loadResult(client: PortalClient, project: Schema<'Project'>, scanId: string | null, signal: AbortSignal): Promise<Result> {
  const byScan = scanId === null ? {} : { scan_id: scanId };
  const gate = await unwrap(client.GET('/v1/projects/{id}/gate-result', { params: { path: { id: project.id }, query: byScan }, signal }));
  const judged = gate.scan_id === null ? {} : { scan_id: gate.scan_id };
  const page = await unwrap(client.GET('/v1/projects/{id}/vulnerabilities', { params: { path: { id: project.id }, query: { ...judged, status: [...OPEN], limit: 200 } }, signal }));
  const scan = gate.scan_id === null ? null : await unwrap(client.GET('/v1/scans/{id}', { params: { path: { id: gate.scan_id } }, signal }));
  const findings = new Map<string, Finding>(page.items.map((finding) => [finding.id, finding]));
  const reasons: Reason[] = [];
  for (const { rule, action, message, count, findings: ids } of gate.reasons) {
    const offenders = await Promise.all(ids.map((id) => (ABOUT_LICENSES.has(rule) ? licensed(client, id, signal) : vulnerable(client, findings.get(id), id, signal))));
    reasons.push({ rule, action, message, count, offenders });
  }
  return { project, scan, gate, reasons, urgent: page.items.slice(0, SHOWN).map(ofFinding), link: linkOf(client.baseUrl, project.id, gate.scan_id) };
}

async function vulnerable(client: PortalClient, known: Finding | undefined, id: string, signal: AbortSignal): Promise<Offender> {
  return ofFinding(known ?? (await unwrap(client.GET('/v1/vulnerability_findings/{finding_id}', { params: { path: { finding_id: id } }, signal }))));
}

function ofFinding({ cve_id, severity, component_name, component_version, purl, fixed_version, kev, summary }: Finding): Offender {
  return { title: cve_id, severity, component: `${component_name} ${component_version}`.trim(), purl, fixedVersion: fixed_version, kev, summary };
}

async function licensed(client: PortalClient, id: string, signal: AbortSignal): Promise<Offender> {
  const { name, version, purl, license, license_tier } = await unwrap(client.GET('/v1/components/{component_id}', { params: { path: { component_id: id } }, signal }));
  return { title: license ?? 'no licence known', severity: null, component: `${name} ${version}`.trim(), purl, fixedVersion: null, kev: false, summary: `Its licence is ${license_tier}.` };
}

/** As the portal links in its comments and mails. */
export function linkOf(baseUrl: string, projectId: string, scanId: string | null): string {
  return `${baseUrl.replace(/\/api$/, '')}/projects/${projectId}${scanId === null ? '' : `/scans/${scanId}`}`;
}
