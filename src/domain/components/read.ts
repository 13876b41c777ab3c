/** Components as a scan has them, with their place in the dependency graph. */
import { notFound } from '../../core/errors.ts';
import type { Page, PageRequest } from '../../core/page.ts';
import { findComponent, findingsOfComponent, listScanComponents, scanGraph, type ComponentDetailRow, type ComponentFilters, type ComponentFindingRow, type ComponentRow } from '../../db/components.ts';
import type { Context } from '../context.ts';
import { scanInView } from '../projects/read.ts';
import { pathsTo } from '../scans/graph.ts';

export async function listProjectComponents(context: Context, projectId: string, scanId: string | undefined, filters: ComponentFilters, page: PageRequest): Promise<Page<ComponentRow>> {
  const scan = await scanInView(context, projectId, scanId);
  const found = scan === null ? { items: [], total: 0 } : await listScanComponents(context.db, scan, filters, page);
  return { ...found, limit: page.limit, offset: page.offset };
}

interface Neighbour {
  id: string;
  purl: string;
}

export interface ComponentDetail extends Omit<ComponentDetailRow, 'ordinal'> {
  vulnerabilities: ComponentFindingRow[];
  dependencies: Neighbour[];
  dependents: Neighbour[];
  /** Shortest paths from the root, as package URLs. */
  paths: string[][];
}

const MAX_PATHS = 10;
const MAX_NEIGHBOURS = 200;

export async function getComponent(context: Context, id: string, scanId: string | undefined): Promise<ComponentDetail> {
  const component = await findComponent(context.db, id, scanId ?? null);
  if (component === undefined) throw notFound('The component');
  const { ordinal, ...detail } = component;
  const nodes = await scanGraph(context.db, component.scan_id);
  const neighbours = (ordinals: readonly number[]): Neighbour[] => ordinals.slice(0, MAX_NEIGHBOURS).flatMap((at) => (nodes[at] === undefined ? [] : [{ id: nodes[at].id, purl: nodes[at].purl }]));
  const dependents = nodes.filter((node) => node.depends_on.includes(ordinal)).map((node) => node.ordinal);
  return {
    ...detail,
    vulnerabilities: await findingsOfComponent(context.db, id),
    dependencies: neighbours(nodes[ordinal]?.depends_on ?? []),
    dependents: neighbours(dependents),
    paths: pathsTo(nodes, ordinal, MAX_PATHS).map((path) => path.flatMap((at) => nodes[at]?.purl ?? [])),
  };
}
