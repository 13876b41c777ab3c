/** The human report on a project's scan. */
import { listFindings } from '../../db/findings.ts';
import { licenseTiers } from '../../db/licenses.ts';
import { licenseCounts, scanTrend, urgentUpgrades } from '../../db/report.ts';
import type { ScanRow } from '../../db/scans.ts';
import type { Context } from '../context.ts';
import { inChunks } from '../formats/document.ts';
import { renderReport, type ReportFacts } from '../formats/report/page.ts';
import { REPORT_CSP } from '../formats/report/style.ts';
import { gateResult } from '../gate/result.ts';
import { obligationsOf, type Obligation } from '../obligations/read.ts';
import { tagOf, viewForDocument, type DocumentView, type ProjectDocument } from './view.ts';

const RISKS = 10;
const UPGRADES = 10;
const LICENSES = 15;
const SCANS = 12;
const OPEN = ['new', 'analyzing', 'exploitable'];

/** Of the current scan or the named one. Throws not-found, scan-not-finished. */
export async function exportReport(context: Context, projectId: string, scanId: string | undefined): Promise<ProjectDocument<'text/html'>> {
  const view = await viewForDocument(context, projectId, scanId);
  const facts = await gather(context, view, scanId);
  return { etag: tagOf(['report', facts]), mediaType: 'text/html', fileName: `${view.project.slug}-report.html`, policy: REPORT_CSP, text: inChunks([renderReport(facts)]) };
}

async function gather(context: Context, { project, scan, source: { head } }: DocumentView, scanId: string | undefined): Promise<ReportFacts> {
  const { gate, reason, reasons } = await gateResult(context, project.id, scan?.id);
  const about = { head, gate: { gate, reason, reasons } };
  if (scan === undefined) {
    const severities = { critical: 0, high: 0, medium: 0, low: 0, info: 0, unknown: 0 };
    return { ...about, scan: null, severities, upgrades: [], risks: [], tiers: { allowed: 0, conditional: 0, forbidden: 0, unknown: 0 }, licenses: [], duties: [], trend: [] };
  }
  const { db } = context;
  const found = await listFindings(db, { projectId: project.id, scanId: scan.id, current: scanId === undefined }, { status: OPEN }, { limit: RISKS, offset: 0, sort: [{ field: 'priority', descending: true }] });
  return {
    ...about, scan: aboutScan(scan), severities: found.severity_summary, upgrades: await urgentUpgrades(db, scan.id, OPEN, UPGRADES), risks: found.items, tiers: await licenseTiers(db, scan.id), licenses: await licenseCounts(db, scan.id, LICENSES), duties: toDuties(await obligationsOf(context, project, scan.id)),
    trend: await scanTrend(db, scan.id, SCANS),
  };
}

const aboutScan = ({ ref, commit_sha: commit, kind, component_count: components }: ScanRow): NonNullable<ReportFacts['scan']> => ({ ref, commit, kind, components: components ?? 0 });

/** By kind, the most open first. */
function toDuties(obligations: readonly Obligation[]): ReportFacts['duties'] {
  return [...Map.groupBy(obligations, ({ kind }) => kind)]
    .map(([kind, group]) => ({ kind, text: group[0]?.text ?? '', open: group.filter(({ status }) => status === 'open' || status === 'in_progress').length, total: group.length }))
    .sort((a, b) => b.open - a.open || (a.kind < b.kind ? -1 : 1));
}
