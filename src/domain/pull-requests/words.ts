/** The comment on a pull request. Pure; whatever packages and advisories are called is escaped. */
import type { FindingChangeRow } from '../../db/scan-diff-findings.ts';
import type { GateResult } from '../gate/result.ts';
import { code, escapeMarkdown } from '../formats/markdown.ts';

export interface CommentFacts {
  projectId: string;
  gate: Pick<GateResult, 'gate' | 'reason' | 'counts'>;
  /** What the request brings, the worst first, and how many there are. */
  added: { items: readonly FindingChangeRow[]; total: number };
  /** What it takes away. */
  removed: number;
  /** Null where the request is compared with nothing. */
  baseRef: string | null;
  link: string;
}

const GATES = { pass: '✅ Gate passed', warn: '⚠️ Gate passed with warnings', fail: '❌ Gate failed', pending: '⏳ No result yet' } as const;

/** By which the portal knows its own comment again. */
export const markerOf = (projectId: string): string => `<!-- sca-portal:${projectId} -->`;

export function commentText({ projectId, gate, added, removed, baseRef, link }: CommentFacts): string {
  const { licenses } = gate.counts;
  const worth = (['forbidden', 'conditional', 'unknown'] as const).filter((tier) => licenses[tier] > 0).map((tier) => `${licenses[tier]} ${tier}`);
  const against = baseRef === null ? 'Nothing to compare with: all vulnerabilities are listed' : `Compared with ${code(baseRef)}`;
  return [
    markerOf(projectId),
    `### ${GATES[gate.gate]}`,
    gate.reason === null ? 'No rule of the policy is broken.' : `${escapeMarkdown(gate.reason)}.`,
    `**${added.total} new** ${added.total === 1 ? 'vulnerability' : 'vulnerabilities'}${removed > 0 ? `, ${removed} gone` : ''}. ${against}.`,
    ...(added.items.length === 0 ? [] : [table(added.items, added.total)]),
    ...(worth.length === 0 ? [] : [`Licences: ${worth.join(', ')}.`]),
    `[The whole scan](${link})`,
  ].join('\n\n');
}

function table(items: readonly FindingChangeRow[], total: number): string {
  const rows = items.map(({ severity, cve_id: id, kev, to, fixed_version: fixed }) =>
    `| ${severity}${kev ? ', exploited' : ''} | [${escapeMarkdown(id)}](https://osv.dev/vulnerability/${encodeURIComponent(id)}) | ${to === null ? '' : code(`${to.name} ${to.version}`)} | ${fixed === null ? 'no fix known' : code(fixed)} |`);
  return [`| Severity | Vulnerability | Component | Upgrade to |\n|---|---|---|---|`, ...rows, ...(total > items.length ? [`| | and ${total - items.length} more | | |`] : [])].join('\n');
}

/** What a log or a list shows of it. */
export const previewOf = (text: string): string => text.slice(text.indexOf('\n')).replaceAll(/[#*|`\\]+/g, '').replaceAll(/\s+/g, ' ').trim();
