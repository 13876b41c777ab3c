/** What people conclude of a component's licence; it counts before all else, and outlives scans. */
import { userIdOf } from '../../core/actor.ts';
import { notFound, projectArchived } from '../../core/errors.ts';
import type { ConcludedLicense } from '../../db/components.ts';
import type { Tx } from '../../db/connect.ts';
import { lockLicenses } from '../../db/license-judgement.ts';
import { deleteConclusion, lockConclusion, replaceConcludedFindings, writeConclusion } from '../../db/licenses.ts';
import { findScope } from '../../db/scopes.ts';
import { inTransaction } from '../../db/transaction.ts';
import { audit } from '../audit.ts';
import type { Context } from '../context.ts';
import { getProject } from '../projects/read.ts';
import { expectVersion } from '../versions.ts';
import { acceptExpression } from './accept.ts';
import { recordLicenses } from './record.ts';
import { markGate } from '../gate/outcomes.ts';
import { settleLicenses } from './settle.ts';

/** Throws not-found, project-archived, validation-failed, and where there is a conclusion precondition-required and precondition-failed. */
export function concludeLicense(context: Context, componentId: string, ifMatch: number | null, draft: { expression: string; justification: string }): Promise<ConcludedLicense> {
  const { expression, spdxIds } = acceptExpression(draft.expression, '/expression');
  return change(context, componentId, async (tx, project) => {
    const before = await lockConclusion(tx, componentId);
    if (before !== undefined || ifMatch !== null) expectVersion(ifMatch, before?.version ?? 0);
    const after = await writeConclusion(tx, { componentId, projectId: project.id, expression, justification: draft.justification, userId: userIdOf(context.actor) });
    await recordLicenses(tx, spdxIds);
    await replaceConcludedFindings(tx, { id: componentId, projectId: project.id }, spdxIds);
    await audit(tx, context, { action: before === undefined ? 'create' : 'update', table: 'concluded_licenses', id: componentId, teamId: project.team_id, diff: { expression: [before?.expression ?? null, expression], justification: draft.justification } });
    return after;
  });
}

/** Throws not-found, project-archived, precondition-required, precondition-failed. */
export function withdrawConclusion(context: Context, componentId: string, ifMatch: number | null): Promise<void> {
  return change(context, componentId, async (tx, project) => {
    const before = await lockConclusion(tx, componentId);
    if (before === undefined) throw notFound('The conclusion');
    expectVersion(ifMatch, before.version);
    await deleteConclusion(tx, componentId);
    await replaceConcludedFindings(tx, { id: componentId, projectId: project.id }, []);
    await audit(tx, context, { action: 'delete', table: 'concluded_licenses', id: componentId, teamId: project.team_id, diff: { expression: before.expression } });
  });
}

/** Changes a component's conclusion and judges the component again, in one transaction. */
async function change<T>(context: Context, componentId: string, work: (tx: Tx, project: { id: string; team_id: string }) => Promise<T>): Promise<T> {
  const scope = await findScope(context.db, 'component', componentId);
  if (scope === undefined || scope.projectId === null) throw notFound('The component');
  const project = await getProject(context, scope.projectId);
  if (project.archived_at !== null) throw projectArchived();
  return inTransaction(context.db, async (tx) => {
    await lockLicenses(tx, [project.id]);
    const result = await work(tx, project);
    await settleLicenses(tx, { componentId }, context.request.operation, context.now());
    await markGate(tx, context, project.id, 'policy');
    return result;
  });
}
