/** Vulnerability findings of a project. */
import type { Page, PageRequest } from '../../core/page.ts';
import { listFindings, type FindingFilters, type FindingList, type FindingRow } from '../../db/findings.ts';
import type { Context } from '../context.ts';
import { scanInView } from '../projects/read.ts';

/** Those of the scan in view; without `scan_id` also those that became `fixed` by themselves. */
export async function listProjectVulnerabilities(context: Context, projectId: string, scanId: string | undefined, filters: FindingFilters, page: PageRequest): Promise<Page<FindingRow> & FindingList> {
  const scan = await scanInView(context, projectId, scanId);
  const found = await listFindings(context.db, { projectId, scanId: scan, current: scanId === undefined }, filters, page);
  return { ...found, limit: page.limit, offset: page.offset };
}
