/** What a scan has that another of its project has not, and the other way round. Access to the scan is access to its base: both are one project's. */
import { DomainError, notFound } from '../../core/errors.ts';
import type { Page, PageRequest } from '../../core/page.ts';
import type { Db } from '../../db/connect.ts';
import { countDiff, listFindingChanges, type DiffCounts, type FindingChangeFilters, type FindingChangeRow } from '../../db/scan-diff-findings.ts';
import { listComponentChanges, type ComponentChangeRow, type ScanPair } from '../../db/scan-diff.ts';
import { findBaseOf, findScan, type ScanRow } from '../../db/scans.ts';

/** All that it takes: a job compares as a request does. */
interface Comparing {
  db: Db;
}

/**
 * The scan and what it is compared with: the named base, else the scan before it of the same ref, else the project's current scan, else nothing.
 * @throws DomainError not-found, scan-not-finished, invalid-request where `base` is no scan of the same project, whether it exists or not
 */
async function scanPair({ db }: Comparing, scanId: string, base: string | undefined): Promise<ScanPair> {
  const scan = await findScan(db, scanId);
  if (scan === undefined) throw notFound('The scan');
  requireResults(scan, 'The scan');
  if (base === undefined) return { base: await findBaseOf(db, scanId), head: scanId };
  const other = await findScan(db, base);
  if (other?.project_id !== scan.project_id) {
    const message = 'names no scan of this project';
    throw new DomainError('invalid-request', `Parameter 'base' ${message}.`, { errors: [{ parameter: 'base', message }] });
  }
  requireResults(other, 'The base');
  return { base, head: scanId };
}

function requireResults({ status }: ScanRow, what: string): void {
  if (status !== 'succeeded') throw new DomainError('scan-not-finished', `${what} is ${status}: it has no results to compare. Wait for its end, or name a scan that has succeeded.`);
}

export interface ScanDiff extends DiffCounts {
  scan_id: string;
  base_scan_id: string | null;
}

export async function getScanDiff(context: Comparing, scanId: string, base: string | undefined): Promise<ScanDiff> {
  const pair = await scanPair(context, scanId, base);
  return { scan_id: pair.head, base_scan_id: pair.base, ...(await countDiff(context.db, pair)) };
}

export async function listScanDiffComponents(context: Comparing, scanId: string, base: string | undefined, filters: { change?: readonly string[] | undefined }, page: PageRequest): Promise<Page<ComponentChangeRow>> {
  const pair = await scanPair(context, scanId, base);
  return { ...(await listComponentChanges(context.db, pair, filters, page)), limit: page.limit, offset: page.offset };
}

export async function listScanDiffFindings(context: Comparing, scanId: string, base: string | undefined, filters: FindingChangeFilters, page: PageRequest): Promise<Page<FindingChangeRow>> {
  const pair = await scanPair(context, scanId, base);
  return { ...(await listFindingChanges(context.db, pair, filters, page)), limit: page.limit, offset: page.offset };
}
