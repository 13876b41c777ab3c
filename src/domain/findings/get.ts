/** One finding with all that is known of it. */
import type { components } from '../../../generated/api.ts';
import { notFound } from '../../core/errors.ts';
import { affectedRanges, findFinding, findingEvents, safeUpgrade, type FindingDetailRow } from '../../db/finding-detail.ts';
import { findComponentDetail } from '../components/read.ts';
import type { Context } from '../context.ts';
import { toAnalysisState } from './states.ts';

export type FindingDetail = components['schemas']['FindingDetail'];

/** Throws not-found. */
export async function getFinding(context: Context, id: string): Promise<FindingDetail> {
  const finding = await findFinding(context.db, id);
  if (finding === undefined) throw notFound('The finding');
  const { package_version_id, vulnerability_id, refs, justification, justification_code, decision_scope, suppressed_until, ...row } = finding;
  return {
    ...row,
    references: showableReferences(refs),
    analysis_state: toAnalysisState(row.status), analysis_justification: justification, analysis_justification_code: justification_code, applies_to: decision_scope, expires_at: suppressed_until,
    affected: await affectedRanges(context.db, package_version_id, vulnerability_id),
    upgrade_recommendation: await recommendUpgrade(context, finding),
    dependency_paths: (await findComponentDetail(context, row.component_id, undefined))?.paths ?? [], // findings outlive the scans that had them
    status_history: await findingEvents(context.db, row.id),
  };
}

const MAX_REFERENCES = 200;
const SCHEMES: ReadonlySet<string> = new Set(['http:', 'https:', 'ftp:', 'git:', 'ssh:']);

/** Advisories hold whatever their authors wrote: only links that are harmless to follow are shown; at most 200. */
export const showableReferences = (refs: readonly { type: string; url: string }[]): { type: string; url: string }[] => refs.flatMap(showable).slice(0, MAX_REFERENCES);

function showable({ type, url }: { type: string; url: string }): { type: string; url: string }[] {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  return parsed !== null && SCHEMES.has(parsed.protocol) ? [{ type, url: parsed.href }] : [];
}

async function recommendUpgrade(context: Context, { component_id, direct }: FindingDetailRow): Promise<FindingDetail['upgrade_recommendation']> {
  const upgrade = await safeUpgrade(context.db, component_id);
  if (upgrade === undefined) return null;
  const { ordered, recommended_version, ...open } = upgrade;
  const reason = open.finding_count === 0 ? 'no_open_findings' : !ordered ? 'unparseable_version' : recommended_version === null ? 'no_fix_version' : 'ok';
  return { ...open, direct, reason, recommended_version: reason === 'ok' ? recommended_version : null };
}
