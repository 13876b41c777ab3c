/** Cancelling a scan, queued or running. Its job finds nothing to do; its worker sees within a second that it no longer owns the scan, and ends what it runs. */
import { DomainError, notFound } from '../../core/errors.ts';
import { findAdminScan, type AdminScanRow } from '../../db/admin-scans.ts';
import { cancelScan as cancelRow } from '../../db/scan-states.ts';
import { inTransaction } from '../../db/transaction.ts';
import { audit } from '../audit.ts';
import type { Context } from '../context.ts';
import { scanEnded } from './follow.ts';

/** Throws not-found, scan-already-finished. Of a cancel and a publication at the same moment exactly one wins: both lock the row. */
export function cancelScan(context: Context, scanId: string): Promise<AdminScanRow> {
  return inTransaction(context.db, async (tx) => {
    const before = await findAdminScan(tx, scanId);
    if (before === undefined) throw notFound('The scan');
    const cancelled = await cancelRow(tx, scanId);
    const scan = await findAdminScan(tx, scanId);
    if (scan === undefined) throw notFound('The scan');
    if (!cancelled) throw new DomainError('scan-already-finished', `The scan is ${scan.status} already; there is nothing to cancel.`);
    await scanEnded(tx, context, scanId);
    await audit(tx, context, { action: 'cancel', table: 'scans', id: scanId, teamId: scan.team_id, diff: { status: [before.status, 'cancelled'] } });
    return scan;
  });
}
