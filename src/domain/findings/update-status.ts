/** Triage of one finding, and of many. */
import { DomainError, notFound } from '../../core/errors.ts';
import { findFinding, mergedFindings } from '../../db/finding-detail.ts';
import { inTransaction } from '../../db/transaction.ts';
import type { Context } from '../context.ts';
import { expectVersion } from '../versions.ts';
import { getFinding, type FindingDetail } from './get.ts';
import type { FindingStatus, JustificationCode, Refusal } from './states.ts';
import { applyDecisions, maySuppress, type DecisionOutcome, type DecisionScope } from './triage.ts';

/** What explains a decision. */
interface Grounds {
  justification?: string | undefined;
  justification_code?: JustificationCode | undefined;
  /** RFC 3339. */
  expires_at?: string | undefined;
}

export interface StatusPatch extends Grounds {
  status: FindingStatus;
  applies_to: DecisionScope;
}

/** The finding as it is afterwards. Throws not-found, precondition-required, precondition-failed, project-archived, invalid-transition, forbidden, validation-failed. */
export async function updateFindingStatus(context: Context, id: string, ifMatch: number | null, patch: StatusPatch): Promise<FindingDetail> {
  const before = await findFinding(context.db, id);
  if (before === undefined) throw notFound('The finding');
  const expectedVersion = expectVersion(ifMatch, before.version);
  const options = { projectId: before.project_id, source: 'manual', maySuppress: await maySuppress(context, before.project_id), allOrNothing: true } as const;
  const decision = { findingId: before.id, expectedVersion, status: patch.status, ...groundsOf(patch), appliesTo: patch.applies_to, origin: null };
  await inTransaction(context.db, async (tx) => {
    const [outcome] = await applyDecisions(tx, context, options, [decision]);
    if (outcome?.refusal) throw problemOf(outcome.refusal);
  });
  return getFinding(context, id);
}

function problemOf({ kind, detail, allowedTo, currentVersion, fault }: Refusal): DomainError {
  return new DomainError(kind, detail, {
    ...(allowedTo === undefined ? {} : { allowed_to: [...allowedTo] }), ...(currentVersion === undefined ? {} : { current_version: currentVersion }), ...(fault === undefined ? {} : { errors: [fault] }),
  });
}

export interface BulkUpdate extends Grounds {
  mode: 'report' | 'all_or_nothing';
  status?: FindingStatus | undefined;
  applies_to: DecisionScope;
  findings: readonly (Grounds & { finding_id: string; version?: number | undefined; status?: FindingStatus | undefined })[];
}

/** One outcome a row, in their order. Throws validation-failed (a row without a status, a finding twice), project-archived. */
export async function updateFindingStatuses(context: Context, projectId: string, update: BulkUpdate): Promise<DecisionOutcome[]> {
  const faults = bulkFaults(update);
  if (faults.length > 0) throw new DomainError('validation-failed', 'Some rows do not say what to do, or come twice.', { errors: faults });
  const decisions = update.findings.flatMap((row) => {
    const status = row.status ?? update.status;
    return status === undefined ? [] : [{ findingId: row.finding_id, expectedVersion: row.version ?? null, status, ...groundsOf({ ...sharedGrounds(update, status), ...row }), appliesTo: update.applies_to, origin: null }];
  });
  const options = { projectId, source: 'manual', maySuppress: await maySuppress(context, projectId), allOrNothing: update.mode === 'all_or_nothing' } as const;
  return inTransaction(context.db, async (tx) => {
    const heirs = await mergedFindings(tx, decisions.map(({ findingId }) => findingId));
    const outcomes = await applyDecisions(tx, context, options, decisions.map((decision) => ({ ...decision, findingId: heirs.get(decision.findingId.toLowerCase()) ?? decision.findingId })));
    return outcomes.map((outcome, index) => ({ ...outcome, findingId: decisions[index]?.findingId ?? outcome.findingId }));
  });
}

/** Of what the request says for all rows, that which goes with a row's state. */
function sharedGrounds({ status: shared, justification, justification_code, expires_at }: BulkUpdate, status: FindingStatus): Grounds {
  return {
    justification,
    justification_code: status === shared || status === 'not_affected' ? justification_code : undefined,
    expires_at: status === shared || status === 'suppressed' ? expires_at : undefined,
  };
}

function bulkFaults({ status, findings }: BulkUpdate): { pointer: string; message: string }[] {
  const seen = new Set<string>();
  return findings.flatMap((row, index) => {
    const id = row.finding_id.toLowerCase();
    const twice = seen.has(id);
    seen.add(id);
    return [
      ...(row.status === undefined && status === undefined ? [{ pointer: `/findings/${index}/status`, message: 'is missing, and the request names no status for all rows' }] : []),
      ...(twice ? [{ pointer: `/findings/${index}/finding_id`, message: 'stands in the request before' }] : []),
    ];
  });
}

const groundsOf = ({ justification, justification_code, expires_at }: Grounds) => ({ justification: justification ?? null, justificationCode: justification_code ?? null, expiresAt: expires_at ?? null });
