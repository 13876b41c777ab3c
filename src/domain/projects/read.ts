/** Reading projects. */
import { notFound } from '../../core/errors.ts';
import { visibleTo } from '../../core/actor.ts';
import type { Page, PageRequest } from '../../core/page.ts';
import { findProject, findProjectView, listProjects, type ProjectFilters, type ProjectRow } from '../../db/projects.ts';
import { findScan } from '../../db/scans.ts';
import type { Context } from '../context.ts';

export async function getProject(context: Pick<Context, 'db'>, id: string): Promise<ProjectRow> {
  const project = await findProject(context.db, id);
  if (project === undefined) throw notFound('The project');
  return project;
}

/** What is needed of a project to show its results. */
export async function viewProject(context: Context, id: string): Promise<Pick<ProjectRow, 'current_scan_id' | 'gate'>> {
  const project = await findProjectView(context.db, id);
  if (project === undefined) throw notFound('The project');
  return project;
}

export async function listVisibleProjects(context: Context, filters: ProjectFilters, page: PageRequest): Promise<Page<ProjectRow>> {
  return { ...(await listProjects(context.db, visibleTo(context.actor), filters, page)), limit: page.limit, offset: page.offset };
}

/** The scan that a reader of a project's results sees: the named one of this project, else the current one, else none. */
export async function scanInView(context: Context, projectId: string, scanId: string | undefined): Promise<string | null> {
  if (scanId === undefined) return (await viewProject(context, projectId)).current_scan_id;
  const scan = await findScan(context.db, scanId);
  if (scan === undefined || scan.project_id !== projectId) throw notFound('The scan');
  return scan.id;
}
