/** The first start: an installation without a super admin gets one. */
import { randomBytes } from 'node:crypto';
import type { Config } from '../../config.ts';
import type { Db } from '../../db/connect.ts';
import { insertAudit } from '../../db/audit.ts';
import { withAdvisoryLock } from '../../db/transaction.ts';
import { createPersonalTeam, findUserByEmail, hasSuperAdmin, insertUser, markEmailVerified } from '../../db/users.ts';
import { hashPassword } from './passwords.ts';

export interface FirstAdmin {
  email: string;
  /** Only where it was made up here: to be shown once. */
  generatedPassword: string | null;
}

const DEFAULT_EMAIL = 'admin@localhost.localdomain';

/** Makes the first super admin and a team for it; null where there is one already. Several processes may start at once. */
export async function ensureFirstAdmin(db: Db, config: Config): Promise<FirstAdmin | null> {
  if (await hasSuperAdmin(db)) return null;
  const email = config.ADMIN_EMAIL ?? DEFAULT_EMAIL;
  const generatedPassword = config.ADMIN_PASSWORD === null ? randomBytes(18).toString('base64url') : null;
  const passwordHash = await hashPassword(config.ADMIN_PASSWORD ?? generatedPassword ?? '');
  return withAdvisoryLock(db, 'first-admin', async (tx) => {
    if (await hasSuperAdmin(tx)) return null;
    if ((await findUserByEmail(tx, email)) !== undefined) throw new Error(`ADMIN_EMAIL ${email} belongs to an account that is not an active super admin`);
    const id = await insertUser(tx, { email, fullName: 'Administrator', passwordHash, isSuperAdmin: true });
    if (config.ADMIN_EMAIL !== null) await markEmailVerified(tx, id); // the operator's word is proof
    await createPersonalTeam(tx, id, 'Default team');
    await insertAudit(tx, {
      actorKind: 'system', actorUserId: null, actorEmail: null, teamId: null, operation: 'start', action: 'create', targetTable: 'users', targetId: id,
      requestId: 'start', ip: null, userAgent: null, diff: { email, is_super_admin: true },
    });
    return { email, generatedPassword };
  });
}
