/** A project's webhook secret: made here, shown once, sealed at rest. */
import { randomBytes } from 'node:crypto';
import { userIdOf } from '../../core/actor.ts';
import { notFound, projectArchived } from '../../core/errors.ts';
import type { Page, PageRequest } from '../../core/page.ts';
import { inTransaction } from '../../db/transaction.ts';
import { deleteWebhookSecret, findWebhookSecret, listDeliveries, putWebhookSecret, type DeliveryRow } from '../../db/webhooks.ts';
import { audit } from '../audit.ts';
import type { Context } from '../context.ts';
import { getProject } from '../projects/read.ts';

/** For how long the former secret is good too. */
const GRACE_SECONDS = 3_600;

export interface WebhookSecretState {
  is_set: boolean;
  created_at: string | null;
  previous_valid_until: string | null;
}

export async function webhookSecretState({ db }: Pick<Context, 'db'>, projectId: string): Promise<WebhookSecretState> {
  const row = await findWebhookSecret(db, projectId);
  return { is_set: row !== undefined, created_at: row?.created_at ?? null, previous_valid_until: row?.previous_until ?? null };
}

/** Throws not-found, project-archived. */
export async function rotateWebhookSecret(context: Context, projectId: string): Promise<WebhookSecretState & { secret: string }> {
  const project = await getProject(context, projectId);
  if (project.archived_at !== null) throw projectArchived();
  const secret = randomBytes(32).toString('base64url');
  return inTransaction(context.db, async (tx) => {
    await putWebhookSecret(tx, { projectId: project.id, sealed: context.vault.seal(secret), userId: userIdOf(context.actor), graceSeconds: GRACE_SECONDS });
    await audit(tx, context, { action: 'update', table: 'webhook_secrets', id: project.id, teamId: project.team_id });
    return { ...(await webhookSecretState({ db: tx }, project.id)), secret };
  });
}

/** Throws not-found. */
export async function removeWebhookSecret(context: Context, projectId: string): Promise<void> {
  const project = await getProject(context, projectId);
  await inTransaction(context.db, async (tx) => {
    if (!(await deleteWebhookSecret(tx, project.id))) throw notFound('The webhook secret');
    await audit(tx, context, { action: 'delete', table: 'webhook_secrets', id: project.id, teamId: project.team_id });
  });
}

export async function listWebhookDeliveries({ db }: Pick<Context, 'db'>, projectId: string, statuses: readonly string[] | undefined, page: PageRequest): Promise<Page<DeliveryRow>> {
  return { ...(await listDeliveries(db, projectId, statuses, page)), limit: page.limit, offset: page.offset };
}
