/** Accounts of the whole installation: who there is, and who may come in. */
import { DomainError, notFound } from '../../core/errors.ts';
import { userIdOf } from '../../core/actor.ts';
import type { Page, PageRequest } from '../../core/page.ts';
import { deleteResetTokens } from '../../db/accounts.ts';
import { findAdminUser, hasOtherSuperAdmin, listAdminUsers, lockUser, setUserActive, type AdminUserDetail, type AdminUserFilters, type AdminUserRow, type LockedUser } from '../../db/admin-users.ts';
import type { Db, Tx } from '../../db/connect.ts';
import { endSessionsOf } from '../../db/sessions.ts';
import { inTransaction, violates } from '../../db/transaction.ts';
import { audit } from '../audit.ts';
import type { Context } from '../context.ts';

export async function listAllUsers({ db }: Pick<Context, 'db'>, filters: AdminUserFilters, page: PageRequest): Promise<Page<AdminUserRow>> {
  return { ...(await listAdminUsers(db, filters, page)), limit: page.limit, offset: page.offset };
}

/** Throws not-found. */
export async function getUser({ db }: { db: Db }, id: string): Promise<AdminUserDetail> {
  const user = await findAdminUser(db, id);
  if (user === undefined) throw notFound('The user');
  return user;
}

/** Throws not-found. What was revoked stays so; keys that were not are good again. */
export function activateUser(context: Context, id: string): Promise<AdminUserDetail> {
  return changeUser(context, id, async (tx, user) => {
    if (user.is_active) return;
    await setUserActive(tx, user.id, true);
    await audit(tx, context, { action: 'update', table: 'users', id: user.id, diff: { is_active: [false, true] } });
  });
}

/** Ends sessions and voids links that set a password; keys are dead while their issuer is inactive. Throws not-found, last-super-admin, cannot-modify-self. */
export function deactivateUser(context: Context, id: string): Promise<AdminUserDetail> {
  return changeUser(context, id, async (tx, user) => {
    await refuseSelf(tx, context, user, 'Nobody deactivates their own account. Ask another super admin.');
    if (!user.is_active) return;
    await setUserActive(tx, user.id, false);
    await deleteResetTokens(tx, user.id);
    const ended = await endSessionsOf(tx, user.id, null, 'deactivated');
    await audit(tx, context, { action: 'update', table: 'users', id: user.id, diff: { is_active: [true, false], sessions_ended: ended } });
  });
}

/** A change of one account under its lock. Throws not-found, and last-super-admin where the database says so: of two who take each other's rights at once one is left. */
export async function changeUser(context: Context, id: string, change: (tx: Tx, user: LockedUser) => Promise<void>): Promise<AdminUserDetail> {
  try {
    return await inTransaction(context.db, async (tx) => {
      const user = await lockUser(tx, id);
      if (user === undefined) throw notFound('The user');
      await change(tx, user);
      return getUser({ db: tx }, id);
    });
  } catch (error) {
    throw violates(error, 'last_super_admin') ? lastSuperAdmin() : error;
  }
}

/** Throws last-super-admin or cannot-modify-self where the account is the caller's own, or that of the key's issuer. */
export async function refuseSelf(tx: Tx, context: Context, user: LockedUser, detail: string): Promise<void> {
  if (user.id !== userIdOf(context.actor)) return;
  throw (await hasOtherSuperAdmin(tx, user.id)) ? new DomainError('cannot-modify-self', detail) : lastSuperAdmin();
}

const lastSuperAdmin = (): DomainError => new DomainError('last-super-admin', 'This is the last active super admin. Make another user a super admin first.');
