/** Secrets by which projects know their code host, and what came of each delivery. */
import { sql } from 'kysely';
import type { PageRequest } from '../core/page.ts';
import type { Db, Tx } from './connect.ts';
import { orderAndPage, where } from './paging.ts';

export type WebhookProvider = 'github' | 'gitlab';
export type DeliveryStatus = 'enqueued' | 'ignored' | 'skipped_active_scan' | 'skipped_team_at_capacity' | 'skipped_disk_full';

export interface WebhookSecretRow {
  created_at: string;
  /** Until when the former secret is good too; null where none is. */
  previous_until: string | null;
}

export async function findWebhookSecret(db: Db, projectId: string): Promise<WebhookSecretRow | undefined> {
  const { rows } = await sql<WebhookSecretRow>`
    SELECT created_at, CASE WHEN previous_until > now() THEN previous_until END AS previous_until FROM webhook_secrets WHERE project_id = ${projectId}`.execute(db);
  return rows[0];
}

/** The secret that was good until now goes on for `graceSeconds`. */
export async function putWebhookSecret(tx: Tx, secret: { projectId: string; sealed: Buffer; userId: string | null; graceSeconds: number }): Promise<void> {
  await sql`
    INSERT INTO webhook_secrets AS w (project_id, secret_sealed, created_by_user_id) VALUES (${secret.projectId}, ${secret.sealed}, ${secret.userId})
    ON CONFLICT (project_id) DO UPDATE SET secret_sealed = excluded.secret_sealed, created_by_user_id = excluded.created_by_user_id, created_at = now(),
      previous_sealed = w.secret_sealed, previous_until = now() + ${secret.graceSeconds} * interval '1 second'`.execute(tx);
}

/** Was there one? */
export async function deleteWebhookSecret(tx: Tx, projectId: string): Promise<boolean> {
  const { numAffectedRows = 0n } = await sql`DELETE FROM webhook_secrets WHERE project_id = ${projectId}`.execute(tx);
  return numAffectedRows > 0n;
}

export interface WebhookProject {
  id: string;
  /** Sealed, the newest first. */
  secrets: Buffer[];
}

/** Projects of a repository, by any of its URLs, that have a secret. */
export async function webhookProjects(db: Db, urls: readonly string[]): Promise<WebhookProject[]> {
  const { rows } = await sql<{ id: string; secret: Buffer; previous: Buffer | null }>`
    SELECT p.id, w.secret_sealed AS secret, CASE WHEN w.previous_until > now() THEN w.previous_sealed END AS previous
    FROM projects p JOIN webhook_secrets w ON w.project_id = p.id
    WHERE p.git_url IS NOT NULL AND repository_key(p.git_url) IN (SELECT repository_key(url) FROM unnest(${urls}::text[]) AS url) ORDER BY p.id`.execute(db);
  return rows.map(({ id, secret, previous }) => ({ id, secrets: previous === null ? [secret] : [secret, previous] }));
}

export interface Delivery {
  projectId: string;
  provider: WebhookProvider;
  deliveryId: string;
  event: string;
  ref: string | null;
}

/** Its row, which nobody else has until the transaction ends; null where the delivery was dealt with before. One that was skipped may come again. */
export async function claimDelivery(tx: Tx, { projectId, provider, deliveryId, event, ref }: Delivery): Promise<string | null> {
  const { rows } = await sql<{ id: string }>`
    INSERT INTO webhook_deliveries AS d (project_id, provider, delivery_id, event, ref, status) VALUES (${projectId}, ${provider}, ${deliveryId}, ${event}, ${ref}, 'ignored')
    ON CONFLICT (project_id, provider, delivery_id) DO UPDATE SET event = excluded.event, ref = excluded.ref, received_at = now() WHERE d.status LIKE 'skipped%'
    RETURNING id`.execute(tx);
  return rows[0]?.id ?? null;
}

export async function settleDelivery(tx: Tx, id: string, outcome: { status: DeliveryStatus; reason: string | null; scanId: string | null }): Promise<void> {
  await sql`UPDATE webhook_deliveries SET status = ${outcome.status}, reason = ${outcome.reason}, scan_id = ${outcome.scanId} WHERE id = ${id}`.execute(tx);
}

export interface DeliveryRow {
  id: string;
  provider: WebhookProvider;
  delivery_id: string;
  event: string;
  ref: string | null;
  status: DeliveryStatus;
  reason: string | null;
  scan_id: string | null;
  received_at: string;
}

const SORTABLE = { received_at: sql`d.received_at`, event: sql`d.event`, status: sql`d.status` };

export async function listDeliveries(db: Db, projectId: string, statuses: readonly string[] | undefined, page: PageRequest): Promise<{ items: DeliveryRow[]; total: number }> {
  const matching = sql`FROM webhook_deliveries d ${where([sql`d.project_id = ${projectId}`, ...(statuses === undefined ? [] : [sql`d.status = ANY(${statuses})`])])}`;
  const items = await sql<DeliveryRow>`SELECT d.id, d.provider, d.delivery_id, d.event, d.ref, d.status, d.reason, d.scan_id, d.received_at ${matching} ${orderAndPage(page, SORTABLE, sql`d.id`)}`.execute(db);
  const total = await sql<{ total: number }>`SELECT count(*)::int AS total ${matching}`.execute(db);
  return { items: items.rows, total: total.rows[0]?.total ?? 0 };
}

export async function deleteOldDeliveries(db: Db, before: Date): Promise<void> {
  await sql`DELETE FROM webhook_deliveries WHERE received_at < ${before}`.execute(db);
}
