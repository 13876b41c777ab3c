/** What is put right in restored data before anybody sees them. */
import type pg from 'pg';

/** On which the database tells every process that all data are others. */
export const DATA_RESTORED_CHANNEL = 'data_restored';

/** What was under way when the backup was taken is not taken up again: it may have ended since, and others may have been told. */
export async function settleRestored(client: pg.Client, { restoreId, backupName, createdAt, email }: { restoreId: string; backupName: string; createdAt: string; email: string | null }): Promise<void> {
  await client.query(`
    UPDATE scans SET status = 'cancelled', error_message = 'The portal was restored from a backup that was taken while the scan was under way.', completed_at = now(), updated_at = now() WHERE status IN ('queued', 'running');
    UPDATE channel_deliveries SET state = 'failed', error = 'The portal was restored from a backup that was taken while this waited.' WHERE state = 'pending';
    UPDATE notifications SET mail_due_at = NULL WHERE mail_due_at IS NOT NULL;
    UPDATE webhook_deliveries SET wish = NULL WHERE wish IS NOT NULL;
    UPDATE advisory_sources SET validators = '{}', digest = NULL;
    DELETE FROM notices;
    DELETE FROM circuit_breakers`);
  await client.query(`
    INSERT INTO audit_log (actor_kind, actor_user_id, actor_email, operation, action, target_table, target_id, request_id, diff)
    VALUES ('system', NULL, $1, 'restore-backup', 'update', 'restores', $2, $2, jsonb_build_object('backup', $3::text, 'taken_at', $4::text))`, [email, restoreId, backupName, createdAt]);
}

/** Throws where another worker has done it meanwhile, or it was given up: what has been written since must not be replaced again. */
export async function stillWanted(client: pg.Client, id: string): Promise<void> {
  const { rows } = await client.query("SELECT FROM restores WHERE id = $1 AND status = 'running'", [id]);
  if (rows.length === 0) throw new Error('The restore has ended already.');
}

/** Ends the row of the restore itself, with everything else. Throws like stillWanted. */
export async function endRestore(client: pg.Client, id: string): Promise<void> {
  await stillWanted(client, id);
  await client.query("UPDATE restores SET status = 'succeeded', progress_percent = 100, passphrase_sealed = NULL, finished_at = now(), seen_at = now() WHERE id = $1", [id]);
}
