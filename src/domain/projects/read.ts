/** Reading projects. */
import { notFound } from '../../core/errors.ts';
import { visibleTo } from '../../core/actor.ts';
import type { Page, PageRequest } from '../../core/page.ts';
import { currentScanOf, findProject, listProjects, type ProjectFilters, type ProjectRow } from '../../db/projects.ts';
import { findScan } from '../../db/scans.ts';
import type { Context } from '../context.ts';

export async function getProject(context: Context, id: string): Promise<ProjectRow> {
  const project = await findProject(context.db, id);
  if (project === undefined) throw notFound('The project');
  return project;
}

export async function listVisibleProjects(context: Context, filters: ProjectFilters, page: PageRequest): Promise<Page<ProjectRow>> {
  return { ...(await listProjects(context.db, visibleTo(context.actor), filters, page)), limit: page.limit, offset: page.offset };
}

/** The scan that a reader of a project's results sees: the named one of this project, else the current one, else none. */
export async function scanInView(context: Context, projectId: string, scanId: string | undefined): Promise<string | null> {
  if (scanId === undefined) {
    const current = await currentScanOf(context.db, projectId);
    if (current === undefined) throw notFound('The project');
    return current;
  }
  const scan = await findScan(context.db, scanId);
  if (scan === undefined || scan.project_id !== projectId) throw notFound('The scan');
  return scan.id;
}
