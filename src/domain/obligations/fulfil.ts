/** How far a project has come with an obligation. */
import { userIdOf } from '../../core/actor.ts';
import { projectArchived } from '../../core/errors.ts';
import { writeFulfilment, type FulfilmentState } from '../../db/obligations.ts';
import { inTransaction } from '../../db/transaction.ts';
import { audit } from '../audit.ts';
import type { Context } from '../context.ts';
import { getProject } from '../projects/read.ts';
import { expectVersion } from '../versions.ts';
import { getProjectObligation, type ObligationDetail } from './read.ts';

export interface FulfilmentPatch {
  status?: FulfilmentState | undefined;
  note?: string | null | undefined;
}

/** The state stays with the project, whichever scan brings the obligation. Throws not-found, precondition-required, precondition-failed, project-archived. */
export async function updateObligation(context: Context, projectId: string, obligationId: string, ifMatch: number | null, patch: FulfilmentPatch): Promise<ObligationDetail> {
  const project = await getProject(context, projectId);
  const before = await getProjectObligation(context, projectId, obligationId);
  const version = expectVersion(ifMatch, before.version);
  if (project.archived_at !== null) throw projectArchived();
  return inTransaction(context.db, async (tx) => {
    const after = { status: patch.status ?? before.status, note: patch.note === undefined ? before.note : patch.note };
    if (!(await writeFulfilment(tx, { projectId: project.id, obligationId: before.id, ...after, userId: userIdOf(context.actor) }, version))) {
      expectVersion(ifMatch, (await getProjectObligation({ db: tx, now: context.now }, projectId, obligationId)).version);
    }
    await audit(tx, context, { action: 'update', table: 'obligation_fulfilments', id: before.id, teamId: project.team_id, diff: { project_id: project.id, license: before.license_spdx_id, kind: before.kind, ...patch } });
    return getProjectObligation({ db: tx, now: context.now }, projectId, obligationId);
  });
}
