/** Components as a scan has them, with their place in the dependency graph. */
import { notFound } from '../../core/errors.ts';
import type { Page, PageRequest } from '../../core/page.ts';
import { listScanComponents, type ComponentFilters } from '../../db/component-list.ts';
import { findComponent, findingsOfComponent, licensesOfComponent, type ComponentDetailRow, type ComponentFindingRow, type ComponentLicenseRow, type ComponentRow } from '../../db/components.ts';
import { neighboursOf, nodesAt, scanGraph } from '../../db/scan-graph.ts';
import type { Context } from '../context.ts';
import { normalise } from '../licenses/normalise.ts';
import { scanInView } from '../projects/read.ts';
import { pathsTo, type Paths } from './paths.ts';

/** Licences in `filters` may be written as anybody writes them. */
export async function listProjectComponents(context: Context, projectId: string, scanId: string | undefined, filters: ComponentFilters, page: PageRequest): Promise<Page<ComponentRow>> {
  const scan = await scanInView(context, projectId, scanId);
  const license = filters.license?.map((text) => normalise(text) ?? text);
  const found = scan === null ? { items: [], total: 0 } : await listScanComponents(context.db, { projectId, scanId: scan }, { ...filters, license }, page);
  return { ...found, limit: page.limit, offset: page.offset };
}

interface Neighbour {
  id: string;
  purl: string;
}

export interface ComponentDetail extends Omit<ComponentDetailRow, 'ordinal'> {
  licenses: ComponentLicenseRow[];
  vulnerabilities: ComponentFindingRow[];
  vulnerabilities_truncated: boolean;
  dependencies: Neighbour[];
  dependency_count: number;
  dependents: Neighbour[];
  dependent_count: number;
  /** From direct dependencies to this component, as package URLs. */
  paths: string[][];
  paths_truncated: boolean;
}

const MAX_PATHS = 10;
const MAX_PATH_LENGTH = 100;
const MAX_NEIGHBOURS = 200;
const MAX_FINDINGS = 500;
const MAX_LICENSES = 100;
/** Reading so many blocks other requests for about 50 ms. */
const MAX_EDGES = 1_000_000;

/** Throws not-found, also where the scans that had the component have been swept. */
export async function getComponent(context: Context, id: string, scanId: string | undefined): Promise<ComponentDetail> {
  const component = await findComponentDetail(context, id, scanId);
  if (component === undefined) throw notFound('The component');
  return component;
}

export async function findComponentDetail(context: Context, id: string, scanId: string | undefined): Promise<ComponentDetail | undefined> {
  const { db } = context;
  const component = await findComponent(db, id, scanId ?? null);
  if (component === undefined) return undefined;
  const { ordinal, ...detail } = component;
  const findings = await findingsOfComponent(db, id, MAX_FINDINGS + 1);
  const neighbours = await neighboursOf(db, component.scan_id, ordinal, MAX_NEIGHBOURS);
  const { paths, truncated } = await pathsOf(context, component, neighbours.edges);
  const nodes = new Map((await nodesAt(db, component.scan_id, [...new Set([...neighbours.dependencies, ...neighbours.dependents, ...paths.flat()])])).map((node) => [node.ordinal, node]));
  const references = (ordinals: readonly number[]): Neighbour[] => ordinals.flatMap((at) => nodes.get(at) ?? []).map((node) => ({ id: node.id, purl: node.purl }));
  return {
    ...detail,
    licenses: await licensesOfComponent(db, id, MAX_LICENSES),
    vulnerabilities: findings.slice(0, MAX_FINDINGS),
    vulnerabilities_truncated: findings.length > MAX_FINDINGS,
    dependencies: references(neighbours.dependencies),
    dependency_count: neighbours.dependency_count,
    dependents: references(neighbours.dependents),
    dependent_count: neighbours.dependent_count,
    paths: paths.map((path) => path.flatMap((at) => nodes.get(at)?.purl ?? [])),
    paths_truncated: truncated,
  };
}

/** A component without a depth is one that no path leads to. */
async function pathsOf({ db }: Context, { scan_id: scanId, ordinal, depth }: ComponentDetailRow, edges: number): Promise<Paths> {
  if (depth === null) return { paths: [], truncated: false };
  if (edges > MAX_EDGES) return { paths: [], truncated: true };
  return pathsTo(await scanGraph(db, scanId), ordinal, { limit: MAX_PATHS, maxLength: MAX_PATH_LENGTH });
}
