/** Vulnerabilities over the whole portfolio: which there are, what is known of one, where it reaches. */
import { visibleTo } from '../../core/actor.ts';
import { notFound } from '../../core/errors.ts';
import type { Page, PageRequest } from '../../core/page.ts';
import type { components } from '../../../generated/api.ts';
import {
  advisoriesOf, affectedBy, findVulnerability, findVulnerabilityId, listReached, listReaching, type ReachFilters, type VulnerabilityFilters, type VulnerabilityProjectRow, type VulnerabilityRow,
} from '../../db/portfolio-vulnerabilities.ts';
import type { Context } from '../context.ts';
import { showableReferences } from '../findings/get.ts';
import type { FindingStatus } from '../findings/states.ts';

/** Without a wish: what is open. */
type Wished<Filters extends ReachFilters> = Omit<Filters, 'status'> & { status?: readonly FindingStatus[] | undefined };
const OPEN: readonly FindingStatus[] = ['new', 'analyzing', 'exploitable'];
const counted = <Filters extends ReachFilters>(filters: Wished<Filters>) => ({ ...filters, status: filters.status ?? OPEN });

export async function listVulnerabilities({ db, actor }: Context, filters: Wished<VulnerabilityFilters>, page: PageRequest): Promise<Page<VulnerabilityRow>> {
  return { ...(await listReaching(db, visibleTo(actor), counted(filters), page)), limit: page.limit, offset: page.offset };
}

/** @param name its id or an alias. Throws not-found. */
export async function getVulnerability({ db, actor }: Context, name: string): Promise<components['schemas']['VulnerabilityDetail']> {
  const id = await vulnerabilityId(db, name);
  const found = await findVulnerability(db, id, visibleTo(actor), { status: OPEN });
  if (found === undefined) throw notFound('The vulnerability');
  const { refs, ...row } = found;
  return { ...row, references: showableReferences(refs), advisories: await advisoriesOf(db, id), affected: await affectedBy(db, id) };
}

/** Throws not-found. */
export async function listVulnerabilityProjects({ db, actor }: Context, name: string, filters: Wished<ReachFilters & { mainLine?: boolean | undefined }>, page: PageRequest): Promise<Page<VulnerabilityProjectRow>> {
  const id = await vulnerabilityId(db, name);
  return { ...(await listReached(db, visibleTo(actor), id, { ...filters, status: filters.status ?? ALL }, page)), limit: page.limit, offset: page.offset };
}
const ALL: readonly FindingStatus[] = [...OPEN, 'not_affected', 'false_positive', 'suppressed', 'fixed'];

async function vulnerabilityId(db: Context['db'], name: string): Promise<number> {
  const id = await findVulnerabilityId(db, name);
  if (id === undefined) throw notFound('The vulnerability');
  return id;
}
