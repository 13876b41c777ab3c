/** Reading scans. */
import { visibleTo } from '../../core/actor.ts';
import { notFound } from '../../core/errors.ts';
import type { Page, PageRequest } from '../../core/page.ts';
import { listAdminScans, type AdminScanFilters, type AdminScanRow } from '../../db/admin-scans.ts';
import { findScan, listScans, type ScanFilters, type ScanRow } from '../../db/scans.ts';
import type { Context } from '../context.ts';

export async function getScan(context: Context, id: string): Promise<ScanRow> {
  const scan = await findScan(context.db, id);
  if (scan === undefined) throw notFound('The scan');
  return scan;
}

export async function listScansInView(context: Context, filters: ScanFilters, page: PageRequest): Promise<Page<ScanRow>> {
  return { ...(await listScans(context.db, visibleTo(context.actor), filters, page)), limit: page.limit, offset: page.offset };
}

/** The scans of every team. */
export async function listAllScans(context: Context, filters: AdminScanFilters, page: PageRequest): Promise<Page<AdminScanRow>> {
  return { ...(await listAdminScans(context.db, filters, page)), limit: page.limit, offset: page.offset };
}
