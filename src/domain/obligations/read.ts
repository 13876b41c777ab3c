/** Obligations of a project: computed from the licences of a scan's components, the catalogue and the way of distribution. */
import { notFound } from '../../core/errors.ts';
import { uuidv5 } from '../../core/ids.ts';
import type { Page, PageRequest } from '../../core/page.ts';
import type { Tier } from '../../db/components.ts';
import { componentsWithLicense, fulfilmentsOf, licensesByIds, shippedLicenses, type FulfilmentState } from '../../db/obligations.ts';
import type { AffectedComponentRow } from '../../db/licenses.ts';
import type { Distribution } from '../../db/projects.ts';
import type { Context } from '../context.ts';
import { bindingTerms, formatTerm, tierOf, type Term } from '../licenses/catalogue.ts';
import { loadTeamRules } from '../licenses/rules.ts';
import { getProject, scanInView } from '../projects/read.ts';
import { dutiesOf, type ObligationKind } from './catalogue.ts';

export interface Obligation {
  id: string;
  license_id: string;
  license_spdx_id: string;
  license_name: string;
  tier: Tier;
  kind: ObligationKind;
  text: string;
  link: string | null;
  affected_count: number;
  status: FulfilmentState;
  note: string | null;
  updated_by_user_id: string | null;
  version: number;
  updated_at: string;
  /** Expressions of the components that bring it. */
  expressions: readonly string[];
}

/** Namespace of the UUIDv5 ids: an obligation is a term and a kind, in whichever project and scan. */
const NAMESPACE = '5b0f2f1e-6f0c-5f0a-9d57-3d0f1c8c4a71';

/** All obligations of a scan, in no order. */
export async function obligationsOf({ db, now }: Pick<Context, 'db' | 'now'>, project: { id: string; team_id: string; distribution: Distribution }, scanId: string): Promise<Obligation[]> {
  const { licenses: rules } = await loadTeamRules(db, project.team_id, now());
  const terms = new Map<string, { term: Term; count: number; expressions: string[] }>();
  for (const { expression, count } of await shippedLicenses(db, scanId)) {
    for (const [name, term] of new Map(bindingTerms(expression, rules).map((term) => [formatTerm(term), term]))) {
      const known = terms.get(name);
      terms.set(name, { term, count: count + (known?.count ?? 0), expressions: [...(known?.expressions ?? []), expression] });
    }
  }
  const licenses = await licensesByIds(db, [...new Set([...terms.values()].map(({ term }) => term.license))]);
  const fulfilments = await fulfilmentsOf(db, project.id);
  return [...terms].flatMap(([name, { term, count, expressions }]) => {
    const license = licenses.get(term.license);
    if (license === undefined) return [];
    return dutiesOf(term, project.distribution).map(({ kind, text, link }): Obligation => {
      const id = uuidv5(`${name} ${kind}`, NAMESPACE);
      const { status = 'open', note = null, updated_by_user_id = null, version = 1, updated_at = license.created_at } = fulfilments.get(id) ?? {};
      return {
        id, license_id: license.id, license_spdx_id: term.license, license_name: term.exception === null ? license.name : `${license.name} with ${term.exception}`, tier: tierOf(name, rules).tier,
        kind, text, link, affected_count: count, status, note, updated_by_user_id, version, updated_at, expressions,
      };
    });
  });
}

export interface ObligationFilters {
  text?: string | undefined;
  kind?: readonly string[] | undefined;
  tier?: readonly string[] | undefined;
  status?: readonly string[] | undefined;
}

type ObligationItem = Omit<Obligation, 'expressions' | 'updated_by_user_id'>;

const toItem = ({ id, license_id, license_spdx_id, license_name, tier, kind, text, link, affected_count, status, note, version, updated_at }: Obligation): ObligationItem =>
  ({ id, license_id, license_spdx_id, license_name, tier, kind, text, link, affected_count, status, note, version, updated_at });

export interface ObligationPage extends Page<ObligationItem> {
  /** Obligations by kind, whatever the filters. */
  distribution: Record<string, number>;
}

const TIER_RANK: Record<Tier, number> = { forbidden: 0, unknown: 1, conditional: 2, allowed: 3 };
const KEYS: Readonly<Record<string, (one: Obligation) => string | number>> = {
  tier: (one) => TIER_RANK[one.tier], license_name: (one) => one.license_name, kind: (one) => one.kind, affected_count: (one) => one.affected_count, status: (one) => one.status,
};

export async function listProjectObligations(context: Context, projectId: string, scanId: string | undefined, filters: ObligationFilters, page: PageRequest): Promise<ObligationPage> {
  const project = await getProject(context, projectId);
  const scan = await scanInView(context, projectId, scanId);
  const all = scan === null ? [] : await obligationsOf(context, project, scan);
  const distribution: Record<string, number> = {};
  for (const { kind } of all) distribution[kind] = (distribution[kind] ?? 0) + 1;
  const matching = all.filter((one) => matches(one, filters)).toSorted((a, b) => compare(a, b, page));
  const items = matching.slice(page.offset, page.offset + page.limit).map(toItem);
  return { items, total: matching.length, limit: page.limit, offset: page.offset, distribution };
}

function matches(one: Obligation, { text, kind, tier, status }: ObligationFilters): boolean {
  const sought = text?.toLowerCase();
  return (sought === undefined || `${one.license_spdx_id}\n${one.license_name}\n${one.text}`.toLowerCase().includes(sought))
    && (kind?.includes(one.kind) ?? true) && (tier?.includes(one.tier) ?? true) && (status?.includes(one.status) ?? true);
}

function compare(a: Obligation, b: Obligation, { sort }: PageRequest): number {
  for (const { field, descending } of sort) {
    const [first, second] = [KEYS[field]?.(a) ?? '', KEYS[field]?.(b) ?? ''];
    if (first !== second) return first < second === descending ? 1 : -1;
  }
  return a.id < b.id ? -1 : 1;
}

export interface ObligationDetail extends Omit<Obligation, 'expressions' | 'affected_count'> {
  text_truncated: boolean;
  affected_components: AffectedComponentRow[];
  affected_components_total: number;
  affected_components_truncated: boolean;
}

const MAX_AFFECTED = 200;

/** One of the current scan's obligations. Throws not-found. */
export async function getProjectObligation(context: Pick<Context, 'db' | 'now'>, projectId: string, obligationId: string): Promise<ObligationDetail> {
  const project = await getProject(context, projectId);
  const scan = project.current_scan_id;
  const found = scan === null ? undefined : (await obligationsOf(context, project, scan)).find((one) => one.id === obligationId.toLowerCase());
  if (scan === null || found === undefined) throw notFound('The obligation');
  const { expressions, affected_count: total, ...obligation } = found;
  const affected = await componentsWithLicense(context.db, scan, expressions, MAX_AFFECTED);
  return { ...obligation, text_truncated: false, affected_components: affected, affected_components_total: total, affected_components_truncated: total > affected.length };
}
