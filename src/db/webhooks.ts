/** Secrets by which projects know their code host, and what came of each delivery. */
import { sql, type RawBuilder } from 'kysely';
import type { PageRequest } from '../core/page.ts';
import type { Db, Tx } from './connect.ts';
import { toJson } from './json.ts';
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
  /** The scan that it asks for; null where it asks for none. */
  wish: ScanWish | null;
}

export interface ScanWish {
  /** As the host names it. */
  ref: string;
  commit: string | null;
  metadata: Record<string, unknown>;
}

/** Its row, which nobody else has until the transaction ends; null where the delivery was dealt with before. One that was skipped may come again. */
export async function claimDelivery(tx: Tx, { projectId, provider, deliveryId, event, ref, wish }: Delivery): Promise<string | null> {
  const { rows } = await sql<{ id: string }>`
    INSERT INTO webhook_deliveries AS d (project_id, provider, delivery_id, event, ref, wish, status) VALUES (${projectId}, ${provider}, ${deliveryId}, ${event}, ${ref}, ${wish === null ? null : toJson(wish)}, 'ignored')
    ON CONFLICT (project_id, provider, delivery_id) DO UPDATE SET event = excluded.event, ref = excluded.ref, wish = excluded.wish, received_at = now() WHERE d.status LIKE 'skipped%'
    RETURNING id`.execute(tx);
  return rows[0]?.id ?? null;
}

export async function settleDelivery(tx: Tx, id: string, outcome: { status: DeliveryStatus; reason: string | null; scanId: string | null }): Promise<void> {
  await sql`UPDATE webhook_deliveries SET status = ${outcome.status}, reason = ${outcome.reason}, scan_id = ${outcome.scanId} WHERE id = ${id}`.execute(tx);
}

/** Skipped within the last day, and not yet made up for. */
const waiting = (d: RawBuilder<unknown>): RawBuilder<unknown> =>
  sql`${d}.wish IS NOT NULL AND ${d}.status IN ('skipped_active_scan', 'skipped_team_at_capacity', 'skipped_disk_full') AND ${d}.received_at > now() - interval '1 day'`;

/** Is there one of the scan's team? */
export async function hasWaitingDeliveries(tx: Tx, scanId: string): Promise<boolean> {
  const { rows } = await sql`
    SELECT FROM scans s JOIN projects p ON p.id = s.project_id JOIN projects same ON same.team_id = p.team_id
    WHERE s.id = ${scanId} AND EXISTS (SELECT FROM webhook_deliveries d WHERE d.project_id = same.id AND ${waiting(sql`d`)}) LIMIT 1`.execute(tx);
  return rows.length > 0;
}

/** Those whose ref has had a later delivery wait for nothing any more. */
export async function dropOvertakenDeliveries(tx: Tx): Promise<void> {
  await sql`
    UPDATE webhook_deliveries d SET status = 'ignored', reason = 'A later delivery for the ref is scanned in its place.' FROM webhook_deliveries later
    WHERE ${waiting(sql`d`)} AND later.project_id = d.project_id AND later.ref = d.ref AND (later.received_at, later.id) > (d.received_at, d.id)
      AND (later.status = 'enqueued' OR (${waiting(sql`later`)}))`.execute(tx);
}

export type WaitingDelivery = Delivery & { id: string; wish: ScanWish };

/** Deliveries that wait and whose ref is not being scanned, the oldest first. */
export async function waitingDeliveries(db: Db, limit: number): Promise<WaitingDelivery[]> {
  const { rows } = await sql<WaitingDelivery>`
    SELECT d.id, d.project_id AS "projectId", d.provider, d.delivery_id AS "deliveryId", d.event, d.ref, d.wish FROM webhook_deliveries d
    WHERE ${waiting(sql`d`)} AND NOT EXISTS (SELECT FROM scans s WHERE s.project_id = d.project_id AND s.ref = d.ref AND s.status IN ('queued', 'running'))
    ORDER BY d.received_at, d.id LIMIT ${limit}`.execute(db);
  return rows;
}

/** Does it wait still? Nobody else has it until the transaction ends. */
export async function lockWaitingDelivery(tx: Tx, id: string): Promise<boolean> {
  const { rows } = await sql`SELECT FROM webhook_deliveries d WHERE d.id = ${id} AND ${waiting(sql`d`)} FOR UPDATE SKIP LOCKED`.execute(tx);
  return rows.length > 0;
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
