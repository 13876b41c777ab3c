/**
 * Applying decisions to findings, many at once: judged one by one in memory under row locks, written set-based. Single triage, bulk triage and VEX import all
 * go through here. Locks are taken in one order everywhere: project, then findings by id.
 */
import { userIdOf } from '../../core/actor.ts';
import { notFound, projectArchived } from '../../core/errors.ts';
import { allows } from '../../core/permissions.ts';
import type { Tx } from '../../db/connect.ts';
import { findScope } from '../../db/scopes.ts';
import { applyTriage, carryDecisions, lockFindings, lockTriageProject, replacePackageDecisions, type TriageWrite, type TriagedFinding } from '../../db/triage.ts';
import { auditAll } from '../audit.ts';
import type { Context } from '../context.ts';
import { markGate } from '../gate/outcomes.ts';
import { isDecided, judgeDecision, type Decision, type DecisionSource, type Refusal, type VexOrigin } from './states.ts';

/** `package`: the decision holds for all versions of the package in the project, those of later scans too. */
export type DecisionScope = 'version' | 'package';

export interface FindingDecision extends Decision {
  findingId: string;
  /** The decision is refused where the finding has another version; null where any will do. */
  expectedVersion: number | null;
  appliesTo: DecisionScope;
  /** The VEX statement behind it. */
  origin: VexOrigin | null;
}

export interface DecisionOutcome {
  findingId: string;
  /** not_applied: nothing was written, since another decision was refused and the caller wants all or nothing. */
  outcome: 'applied' | 'unchanged' | 'refused' | 'not_applied';
  /** As it is afterwards; null where the project has no such finding. */
  status: Decision['status'] | null;
  version: number | null;
  /** Where it is refused. */
  refusal: Refusal | null;
}

export interface TriageOptions {
  projectId: string;
  source: DecisionSource;
  /** See `maySuppress` below. */
  maySuppress: boolean;
  /** Nothing is written where any decision is refused. */
  allOrNothing: boolean;
}

/** May the caller suppress findings of the project? Who may triage may do all else. */
export async function maySuppress({ db, actor }: Pick<Context, 'db' | 'actor'>, projectId: string): Promise<boolean> {
  const scope = await findScope(db, 'project', projectId);
  return scope !== undefined && allows(actor, 'finding.suppress', scope);
}

interface Place {
  finding: TriagedFinding;
  /** What has been decided so far; several decisions on one finding follow each other. */
  status: Decision['status'];
  steps: TriageWrite['steps'];
  last: FindingDecision | null;
}

/**
 * One outcome for each decision, in their order. Writes the changes, their history and audit rows, the decisions on packages with the findings that follow
 * them, and has the gate looked at. The same finding may come up more than once; the later decision builds on the earlier.
 * @throws DomainError not-found (the project), project-archived
 */
export async function applyDecisions(tx: Tx, context: Context, options: TriageOptions, decisions: readonly FindingDecision[]): Promise<DecisionOutcome[]> {
  const { projectId, source } = options;
  const wide = decisions.some(({ appliesTo }) => appliesTo === 'package');
  const project = await lockForTriage(tx, projectId, wide);
  const now = context.now();
  const found = await lockFindings(tx, projectId, [...new Set(decisions.map(({ findingId }) => findingId))], wide);
  const places = new Map(found.map((finding): [string, Place] => [finding.id, { finding, status: finding.status, steps: [], last: null }]));
  const outcomes = decisions.map((decision) => decide(places.get(decision.findingId.toLowerCase()), decision, { source, maySuppress: options.maySuppress, now }));
  if (options.allOrNothing && outcomes.some(({ outcome }) => outcome === 'refused')) return outcomes.map((outcome) => takeBack(outcome, places.get(outcome.findingId.toLowerCase())));
  const changed = [...places.values()].flatMap(toWrite);
  if (changed.length === 0) return outcomes;
  const by = { source, userId: userIdOf(context.actor), requestId: context.request.id, now };
  await applyTriage(tx, by, changed);
  const carried = wide ? await carry(tx, projectId, by, changed) : [];
  await auditAll(tx, context, [...changed, ...carried].map(({ id, from, status }) => ({ action: 'update', table: 'findings', id, teamId: project.team_id, diff: { status: { from, to: status }, source } })));
  await markGate(tx, context, projectId, 'triage');
  return outcomes;
}

/**
 * The first lock of any triage; `wide` where a decision may hold for a package.
 * @throws DomainError not-found, project-archived
 */
export async function lockForTriage(tx: Tx, projectId: string, wide: boolean): Promise<{ team_id: string }> {
  const project = await lockTriageProject(tx, projectId, wide);
  if (project === undefined) throw notFound('The project');
  if (project.archived) throw projectArchived();
  return project;
}

function decide(place: Place | undefined, decision: FindingDecision, rights: Parameters<typeof judgeDecision>[2]): DecisionOutcome {
  const { findingId, expectedVersion } = decision;
  if (place === undefined) return { findingId, outcome: 'refused', status: null, version: null, refusal: { kind: 'not-found', detail: 'The project has no such finding.' } };
  const { finding } = place;
  const refused = (refusal: Refusal): DecisionOutcome => ({ findingId, outcome: 'refused', status: place.status, version: finding.version, refusal });
  if (expectedVersion !== null && expectedVersion !== finding.version) {
    return refused({ kind: 'precondition-failed', detail: `The finding is at version ${finding.version}. Read it again, then repeat your change.`, currentVersion: finding.version });
  }
  const path = judgeDecision(place.status, decision, rights);
  if (!Array.isArray(path)) return refused(path);
  if (path.length === 0) return { findingId, outcome: 'unchanged', status: place.status, version: finding.version + (place.last === null ? 0 : 1), refusal: null };
  for (const to of path) {
    place.steps.push({ from: place.status, to });
    place.status = to;
  }
  place.last = decision;
  return { findingId, outcome: 'applied', status: place.status, version: finding.version + 1, refusal: null };
}

function takeBack(outcome: DecisionOutcome, place: Place | undefined): DecisionOutcome {
  if (place === undefined) return outcome;
  const { status, version } = place.finding;
  return { ...outcome, outcome: outcome.outcome === 'applied' ? 'not_applied' : outcome.outcome, status, version };
}

function toWrite({ finding, status, steps, last }: Place): TriageWrite[] {
  if (last === null) return [];
  return [{
    id: finding.id, from: finding.status, status, steps, justification: last.justification?.trim() ?? null, justificationCode: last.justificationCode, expiresAt: last.expiresAt,
    scope: isDecided(status) ? last.appliesTo : null, wide: last.appliesTo === 'package', origin: last.origin, packageId: finding.package_id, vulnerabilityId: finding.vulnerability_id,
  }];
}

/** Keeps what was decided for packages, and brings their other findings along; returns those. Of two decisions on one package the later one holds. */
async function carry(tx: Tx, projectId: string, by: Parameters<typeof applyTriage>[1], changed: readonly TriageWrite[]): Promise<{ id: string; from: string; status: string }[]> {
  const wide = new Map(changed.filter((write) => write.wide).map((write) => [`${write.packageId}/${write.vulnerabilityId}`, write]));
  if (wide.size === 0) return [];
  const decisions = [...wide.values()];
  await replacePackageDecisions(tx, projectId, by, decisions);
  return carryDecisions(tx, projectId, by, decisions, changed.map(({ id }) => id));
}
