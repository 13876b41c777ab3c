/** Licence policies of the organisation and of teams. */
import { userIdOf, visibleTo } from '../../core/actor.ts';
import { DomainError, notFound } from '../../core/errors.ts';
import { allowsInstallation } from '../../core/permissions.ts';
import type { Page, PageRequest } from '../../core/page.ts';
import { deleteLicensePolicy, findLicensePolicy, insertLicensePolicy, listLicensePolicies, type LicensePolicyFilters, type LicensePolicyRow, type PolicyTier } from '../../db/license-policies.ts';
import type { Db } from '../../db/connect.ts';
import { inTransaction, violates } from '../../db/transaction.ts';
import { updateVersioned } from '../../db/versioned.ts';
import { audit } from '../audit.ts';
import type { Context } from '../context.ts';
import { expectVersion } from '../versions.ts';
import { acceptExpression } from './accept.ts';
import { parseExpression } from './expression.ts';

const MAX_POLICIES = 1000;

export interface PolicyDraft {
  scope: 'organization' | 'team';
  team_id?: string | undefined;
  license?: string | undefined;
  purl_pattern?: string | undefined;
  tier: PolicyTier;
  reason?: string | null | undefined;
  expires_at?: string | null | undefined;
}

export async function listVisiblePolicies(context: Context, filters: LicensePolicyFilters, page: PageRequest): Promise<Page<LicensePolicyRow>> {
  return { ...(await listLicensePolicies(context.db, visibleTo(context.actor), filters, page, context.now())), limit: page.limit, offset: page.offset };
}

export async function getLicensePolicy(context: Pick<Context, 'now'>, db: Db, id: string): Promise<LicensePolicyRow> {
  const policy = await findLicensePolicy(db, id, context.now());
  if (policy === undefined) throw notFound('The policy');
  return policy;
}

/** The gate has looked at the team; that of the organisation is looked at here. Throws forbidden, validation-failed, conflict. */
export async function createLicensePolicy(context: Context, draft: PolicyDraft): Promise<LicensePolicyRow> {
  const { scope, team_id: teamId = null, license, purl_pattern: purlPattern = null, tier, reason = null, expires_at: expiresAt = null } = draft;
  if (scope === 'organization' && !allowsInstallation(context.actor)) throw new DomainError('forbidden', 'Only a super admin makes policies of the organisation. Ask one, or make a policy of your team.');
  if ((scope === 'team') !== (teamId !== null)) throw invalid('/team_id', scope === 'team' ? 'is missing: a policy of a team names it' : 'is there, but a policy of the organisation has no team');
  if ((license === undefined) === (purlPattern === null)) throw invalid('/license', 'or /purl_pattern has to be there, and not both');
  const subject = { license: license === undefined ? null : acceptLicense(license), purlPattern };
  expectFuture(context, expiresAt);
  try {
    return await inTransaction(context.db, async (tx) => {
      const id = await insertLicensePolicy(tx, { teamId, ...subject, tier, reason, expiresAt, createdByUserId: userIdOf(context.actor) }, MAX_POLICIES);
      if (id === undefined) throw new DomainError('conflict', `There are ${MAX_POLICIES} policies, which is the most. Remove those that are no longer needed.`);
      await audit(tx, context, { action: 'create', table: 'license_policies', id, teamId, diff: { ...subject, scope, tier, reason, expires_at: expiresAt } });
      await context.enqueue(tx, 'judge-licenses', { team_id: teamId });
      return getLicensePolicy(context, tx, id);
    });
  } catch (error) {
    if (violates(error, 'license_policies_subject_key')) throw new DomainError('conflict', `There is a policy about ${subject.license ?? purlPattern ?? ''} already. Change that one: PATCH /v1/license-policies/{id}.`);
    throw error;
  }
}

export interface PolicyPatch {
  tier?: PolicyTier | undefined;
  reason?: string | null | undefined;
  expires_at?: string | null | undefined;
}

/** Throws not-found, precondition-required, precondition-failed, validation-failed. */
export async function updateLicensePolicy(context: Context, id: string, ifMatch: number | null, patch: PolicyPatch): Promise<LicensePolicyRow> {
  const before = await getLicensePolicy(context, context.db, id);
  const version = expectVersion(ifMatch, before.version);
  expectFuture(context, patch.expires_at ?? null);
  return inTransaction(context.db, async (tx) => {
    const outcome = await updateVersioned(tx, 'license_policies', id, version, { ...patch, lapsed_at: patch.expires_at === undefined ? undefined : null });
    if (outcome.state === 'gone') throw notFound('The policy');
    if (outcome.state === 'stale') expectVersion(ifMatch, outcome.version);
    await audit(tx, context, { action: 'update', table: 'license_policies', id, teamId: before.team_id, diff: { ...patch } });
    await context.enqueue(tx, 'judge-licenses', { team_id: before.team_id });
    return getLicensePolicy(context, tx, id);
  });
}

/** Throws not-found. */
export async function removeLicensePolicy(context: Context, id: string): Promise<void> {
  const policy = await getLicensePolicy(context, context.db, id);
  await inTransaction(context.db, async (tx) => {
    if (!(await deleteLicensePolicy(tx, id))) throw notFound('The policy');
    await audit(tx, context, { action: 'delete', table: 'license_policies', id, teamId: policy.team_id, diff: { license: policy.license, purl_pattern: policy.purl_pattern, tier: policy.tier } });
    await context.enqueue(tx, 'judge-licenses', { team_id: policy.team_id });
  });
}

const invalid = (pointer: string, message: string): DomainError => new DomainError('validation-failed', `${pointer} ${message}.`, { errors: [{ pointer, message }] });

function expectFuture({ now }: Pick<Context, 'now'>, expiresAt: string | null): void {
  if (expiresAt !== null && new Date(expiresAt) <= now()) throw invalid('/expires_at', 'is not in the future');
}

/** One licence, with or without an exception: tiers of compounds follow from their parts. */
function acceptLicense(text: string): string {
  const { expression } = acceptExpression(text, '/license');
  const parsed = parseExpression(expression);
  if (!parsed.ok || parsed.tree.kind === 'and' || parsed.tree.kind === 'or') throw invalid('/license', 'is a compound of licences; make a policy for each of them');
  return expression;
}
