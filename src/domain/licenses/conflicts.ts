/** Licences that cannot be kept at once within one product, with where each comes from. */
import type { Page } from '../../core/page.ts';
import { nodesAt, scanGraph } from '../../db/scan-graph.ts';
import { ownLicense, shippedLicenses } from '../../db/obligations.ts';
import { pathsIn, readUpward, type Upward } from '../components/paths.ts';
import type { Context } from '../context.ts';
import { getProject, scanInView } from '../projects/read.ts';
import { bindingTerms, formatTerm, type Term } from './catalogue.ts';
import { clashBetween, clashWithProduct, type Clash } from './compatibility.ts';
import { loadTeamRules } from './rules.ts';

export interface ConflictSide {
  license: string;
  /** Null where it is the licence of the product itself. */
  component: { id: string; purl: string } | null;
  /** Package URLs from a direct dependency to the component. */
  path: string[];
  /** Components of the product with this licence; 0 for the product itself. */
  components_total: number;
}

export interface LicenseConflict extends Clash {
  first: ConflictSide;
  second: ConflictSide;
}

interface Party {
  term: Term;
  count: number;
  /** Null for the product itself. */
  ordinal: number | null;
}

export async function listLicenseConflicts(context: Context, projectId: string, scanId: string | undefined, page: { limit: number; offset: number }): Promise<Page<LicenseConflict>> {
  const project = await getProject(context, projectId);
  const scan = await scanInView(context, projectId, scanId);
  const empty = { items: [], total: 0, limit: page.limit, offset: page.offset };
  if (scan === null || project.distribution === 'internal') return empty;
  const parties = await partiesOf(context, project.team_id, scan);
  const clashes = pairs(parties).flatMap(([a, b]) => {
    const clash = a.ordinal === null ? clashWithProduct(a.term, b.term, project.distribution) : clashBetween(a.term, b.term, project.distribution);
    return clash === null ? [] : [{ a, b, clash }];
  });
  if (clashes.length === 0) return empty;
  const shown = clashes.slice(page.offset, page.offset + page.limit);
  const sides = await sidesOf(context, scan, new Set(shown.flatMap(({ a, b }) => [a, b])));
  const items = shown.flatMap(({ a, b, clash }) => {
    const [first, second] = [sides.get(a), sides.get(b)];
    return first === undefined || second === undefined ? [] : [{ ...clash, first, second }];
  });
  return { items, total: clashes.length, limit: page.limit, offset: page.offset };
}

/** The product's own licences first, then those of its components by name. */
async function partiesOf({ db, now }: Pick<Context, 'db' | 'now'>, teamId: string, scan: string): Promise<Party[]> {
  const { licenses: rules } = await loadTeamRules(db, teamId, now());
  const own = await ownLicense(db, scan);
  const parties = new Map<string, Party>();
  for (const { expression, count, nearest } of await shippedLicenses(db, scan)) {
    for (const [name, term] of new Map(bindingTerms(expression, rules).map((one) => [formatTerm(one), one]))) {
      const known = parties.get(name);
      parties.set(name, { term, count: count + (known?.count ?? 0), ordinal: known?.ordinal ?? nearest });
    }
  }
  const sorted = [...parties].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, party]) => party);
  return [...(own === null ? [] : bindingTerms(own, rules)).map((term) => ({ term, count: 0, ordinal: null })), ...sorted];
}

/** Each pair once; none of the product with itself. */
function pairs(parties: readonly Party[]): [Party, Party][] {
  return parties.flatMap((a, index) => parties.slice(index + 1).filter((b) => a.ordinal !== null || b.ordinal !== null).map((b): [Party, Party] => [a, b]));
}

const MAX_PATH_LENGTH = 100;

/** Each party with one of the shortest paths to the component nearest to the root. */
async function sidesOf({ db }: Pick<Context, 'db'>, scan: string, parties: ReadonlySet<Party>): Promise<Map<Party, ConflictSide>> {
  const graph = readUpward(await scanGraph(db, scan));
  const paths = new Map([...parties].map((party) => [party, pathOf(graph, party)]));
  const nodes = new Map((await nodesAt(db, scan, [...new Set([...paths.values()].flat())])).map((node) => [node.ordinal, node]));
  return new Map([...paths].map(([party, path]) => {
    const node = party.ordinal === null ? undefined : nodes.get(party.ordinal);
    return [party, {
      license: formatTerm(party.term), component: node === undefined ? null : { id: node.id, purl: node.purl }, components_total: party.count,
      path: path.flatMap((at) => nodes.get(at)?.purl ?? []),
    }];
  }));
}

/** Of a component that no direct dependency leads to, itself. */
function pathOf(graph: Upward, { ordinal }: Party): number[] {
  if (ordinal === null) return [];
  return pathsIn(graph, ordinal, { limit: 1, maxLength: MAX_PATH_LENGTH }).paths[0] ?? [ordinal];
}
