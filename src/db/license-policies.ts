/** Rows of license_policies. */
import { sql, type RawBuilder } from 'kysely';
import type { Visibility } from '../core/actor.ts';
import type { PageRequest } from '../core/page.ts';
import type { Db, Tx } from './connect.ts';
import { containing, orderAndPage, where } from './paging.ts';

export type PolicyTier = 'allowed' | 'conditional' | 'forbidden';

export interface LicensePolicyRow {
  id: string;
  scope: 'organization' | 'team';
  team_id: string | null;
  license: string | null;
  purl_pattern: string | null;
  tier: PolicyTier;
  reason: string | null;
  expires_at: string | null;
  is_expired: boolean;
  created_by_user_id: string | null;
  version: number;
  created_at: string;
  updated_at: string;
}

const columns = (now: Date): RawBuilder<unknown> => sql`lp.id, CASE WHEN lp.team_id IS NULL THEN 'organization' ELSE 'team' END AS scope, lp.team_id, lp.license, lp.purl_pattern, lp.tier, lp.reason,
  lp.expires_at, coalesce(lp.expires_at <= ${now}, false) AS is_expired, lp.created_by_user_id, lp.version, lp.created_at, lp.updated_at`;
const TIER_RANK = sql`CASE lp.tier WHEN 'forbidden' THEN 0 WHEN 'conditional' THEN 1 ELSE 2 END`;
const SORTABLE = { license: sql`lp.license`, purl_pattern: sql`lp.purl_pattern`, tier: TIER_RANK, expires_at: sql`lp.expires_at`, created_at: sql`lp.created_at`, updated_at: sql`lp.updated_at` };

export interface LicensePolicyFilters {
  scope?: 'organization' | 'team' | undefined;
  teamId?: string | undefined;
  text?: string | undefined;
}

/** Those of the organisation, and of the teams that the caller sees. */
export async function listLicensePolicies(db: Db, visibility: Visibility, filters: LicensePolicyFilters, page: PageRequest, now: Date): Promise<{ items: LicensePolicyRow[]; total: number }> {
  const conditions: RawBuilder<unknown>[] = [];
  if (visibility.teamIds !== 'all') conditions.push(sql`(lp.team_id IS NULL OR lp.team_id = ANY(${visibility.teamIds}::uuid[]))`);
  if (visibility.onlyTeamId !== null) conditions.push(sql`(lp.team_id IS NULL OR lp.team_id = ${visibility.onlyTeamId})`);
  if (visibility.onlyProjectId !== null) conditions.push(sql`(lp.team_id IS NULL OR lp.team_id = (SELECT team_id FROM projects WHERE id = ${visibility.onlyProjectId}))`);
  if (filters.scope !== undefined) conditions.push(filters.scope === 'team' ? sql`lp.team_id IS NOT NULL` : sql`lp.team_id IS NULL`);
  if (filters.teamId !== undefined) conditions.push(sql`lp.team_id = ${filters.teamId}`);
  if (filters.text !== undefined) conditions.push(sql`concat_ws(' ', lp.license, lp.purl_pattern, lp.reason) ILIKE ${containing(filters.text)}`);
  const items = await sql<LicensePolicyRow>`SELECT ${columns(now)} FROM license_policies lp ${where(conditions)} ${orderAndPage(page, SORTABLE, sql`lp.id`)}`.execute(db);
  const total = await sql<{ total: number }>`SELECT count(*)::int AS total FROM license_policies lp ${where(conditions)}`.execute(db);
  return { items: items.rows, total: total.rows[0]?.total ?? 0 };
}

export async function findLicensePolicy(db: Db, id: string, now: Date): Promise<LicensePolicyRow | undefined> {
  const { rows } = await sql<LicensePolicyRow>`SELECT ${columns(now)} FROM license_policies lp WHERE lp.id = ${id}`.execute(db);
  return rows[0];
}

export interface NewLicensePolicy {
  teamId: string | null;
  license: string | null;
  purlPattern: string | null;
  tier: PolicyTier;
  reason: string | null;
  expiresAt: string | null;
  createdByUserId: string | null;
}

/** The id; undefined where the scope has as many policies as it may. */
export async function insertLicensePolicy(tx: Tx, policy: NewLicensePolicy, most: number): Promise<string | undefined> {
  const { rows } = await sql<{ id: string }>`
    INSERT INTO license_policies (team_id, license, purl_pattern, tier, reason, expires_at, created_by_user_id)
    SELECT ${policy.teamId}, ${policy.license}, ${policy.purlPattern}, ${policy.tier}, ${policy.reason}, ${policy.expiresAt}::timestamptz, ${policy.createdByUserId}
    WHERE (SELECT count(*) FROM license_policies WHERE team_id IS NOT DISTINCT FROM ${policy.teamId}) < ${most}
    RETURNING id`.execute(tx);
  return rows[0]?.id;
}

export async function deleteLicensePolicy(tx: Tx, id: string): Promise<boolean> {
  const { numAffectedRows } = await sql`DELETE FROM license_policies WHERE id = ${id}`.execute(tx);
  return numAffectedRows === 1n;
}

export interface PolicyRule {
  id: string;
  team_id: string | null;
  license: string | null;
  purl_pattern: string | null;
  tier: PolicyTier;
  reason: string | null;
  expires_at: string | null;
}

/** What counts now for these teams: the organisation's rules, then theirs. */
export async function rulesInForce(db: Db, teamIds: readonly string[], now: Date): Promise<PolicyRule[]> {
  const { rows } = await sql<PolicyRule>`
    SELECT id, team_id, license, purl_pattern, tier, reason, expires_at FROM license_policies
    WHERE (team_id IS NULL OR team_id = ANY(${teamIds}::uuid[])) AND (expires_at IS NULL OR expires_at > ${now}) ORDER BY team_id NULLS FIRST, created_at, id`.execute(db);
  return rows;
}

/** Marks what has expired since the last call; the teams of those policies, null for the organisation. */
export async function lapseExpiredPolicies(tx: Tx, now: Date): Promise<{ id: string; team_id: string | null }[]> {
  const { rows } = await sql<{ id: string; team_id: string | null }>`
    UPDATE license_policies SET lapsed_at = ${now} WHERE expires_at <= ${now} AND lapsed_at IS NULL RETURNING id, team_id`.execute(tx);
  return rows;
}

/** Projects with a current scan that are not archived, of a team or of all, a batch at a time. */
export async function judgedProjects(db: Db, teamId: string | null, after: string | null, limit: number): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    SELECT p.id FROM projects p
    WHERE (${teamId}::uuid IS NULL OR p.team_id = ${teamId}) AND (${after}::uuid IS NULL OR p.id > ${after}) AND p.current_scan_id IS NOT NULL AND p.archived_at IS NULL ORDER BY p.id LIMIT ${limit}`.execute(db);
  return rows.map(({ id }) => id);
}
