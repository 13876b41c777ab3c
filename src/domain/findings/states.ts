/** The states of a finding, and what a decision must bring: pure, so that a table can test it. */
import type { components } from '../../../generated/api.ts';
import type { ProblemSlug } from '../../core/errors.ts';

export type FindingStatus = components['schemas']['FindingStatus'];
export type JustificationCode = components['schemas']['VexJustification'];
export type VexOrigin = NonNullable<components['schemas']['FindingDetail']['vex_origin']>;
export type DecisionSource = 'manual' | 'vex_import';

const TRANSITIONS: Readonly<Record<FindingStatus, readonly FindingStatus[]>> = {
  new: ['analyzing', 'suppressed'],
  analyzing: ['exploitable', 'not_affected', 'false_positive', 'fixed', 'suppressed'],
  exploitable: ['analyzing'],
  not_affected: ['analyzing'],
  false_positive: ['analyzing'],
  suppressed: ['analyzing'],
  fixed: ['analyzing'],
};
const UNDECIDED: ReadonlySet<FindingStatus> = new Set(['new', 'analyzing']);
/** Characters, white space around them not counted. */
const MIN_JUSTIFICATION = 10;

/** What somebody wants of one finding. */
export interface Decision {
  status: FindingStatus;
  justification: string | null;
  justificationCode: JustificationCode | null;
  /** RFC 3339; null for never. */
  expiresAt: string | null;
}

/** Why a decision does not hold; what a problem document is made of. */
export interface Refusal {
  kind: ProblemSlug;
  detail: string;
  /** Of invalid-transition. */
  allowedTo?: readonly FindingStatus[];
  /** Of precondition-failed. */
  currentVersion?: number;
  /** Of validation-failed: a member of the decision, as a JSON pointer. */
  fault?: { pointer: string; message: string };
}

export interface Rights {
  source: DecisionSource;
  /** May the caller suppress (team_admin)? */
  maySuppress: boolean;
  now: Date;
}

/**
 * The states that a finding goes through to the wished one, without its present one: empty where it is there already. An imported VEX statement may take two
 * steps at once, by way of `analyzing`: its author has done the analysis.
 */
export function judgeDecision(present: FindingStatus, decision: Decision, rights: Rights): FindingStatus[] | Refusal {
  const { status } = decision;
  if (status === present) return [];
  const path = pathTo(present, status, rights.source);
  if (path === null) {
    return { kind: 'invalid-transition', allowedTo: TRANSITIONS[present], detail: `A finding that is ${present} cannot become ${status}; it can become ${TRANSITIONS[present].join(', ')}.` };
  }
  if (status === 'suppressed' && !rights.maySuppress) return { kind: 'forbidden', detail: 'Suppressing a finding needs team_admin in the owning team.' };
  return faultOf(decision, rights) ?? path;
}

function pathTo(present: FindingStatus, wished: FindingStatus, source: DecisionSource): FindingStatus[] | null {
  if (TRANSITIONS[present].includes(wished)) return [wished];
  const twoSteps = source === 'vex_import' && TRANSITIONS[present].includes('analyzing') && TRANSITIONS.analyzing.includes(wished);
  return twoSteps ? ['analyzing', wished] : null;
}

function faultOf({ status, justification, justificationCode, expiresAt }: Decision, { source, now }: Rights): Refusal | null {
  const decides = !UNDECIDED.has(status);
  // a VEX statement is its own justification, and need not have words
  if (decides && source === 'manual' && (justification ?? '').trim().length < MIN_JUSTIFICATION) return invalid('/justification', `must have at least ${MIN_JUSTIFICATION} characters for ${status}`);
  if (justificationCode !== null && status !== 'not_affected') return invalid('/justification_code', 'goes with not_affected only');
  if (expiresAt !== null && status !== 'suppressed') return invalid('/expires_at', 'goes with suppressed only');
  if (expiresAt !== null && Date.parse(expiresAt) <= now.getTime()) return invalid('/expires_at', 'must lie in the future');
  return null;
}

const invalid = (pointer: string, message: string): Refusal => ({ kind: 'validation-failed', detail: `${pointer.slice(1)} ${message}.`, fault: { pointer, message } });

export const isDecided = (status: FindingStatus): boolean => !UNDECIDED.has(status);

/** The state as CycloneDX names it. */
export function toAnalysisState(status: FindingStatus): components['schemas']['FindingDetail']['analysis_state'] {
  if (status === 'new' || status === 'analyzing') return 'in_triage';
  if (status === 'suppressed') return 'not_affected';
  return status === 'fixed' ? 'resolved' : status;
}
