/** A portal whose super admin looks after accounts, and the accounts that tests of that make. */
import { sql } from 'kysely';
import { member } from './contract.ts';
import { startTestPortal } from './portal.ts';
import { newUser, type NewUser } from './scans.ts';

export const NEXT = 'another passphrase, as long';
export const NOBODY = '00000000-0000-4000-8000-000000000000';

export async function startWithUsers() {
  const { anonymous, admin, database } = await startTestPortal();
  const developer = (teamId?: string): Promise<NewUser> => newUser(anonymous, database, 'developer', teamId);
  const lead = (teamId?: string): Promise<NewUser> => newUser(anonymous, database, 'team_admin', teamId);
  const forgetLimits = () => sql`DELETE FROM rate_limits`.execute(database.db);
  const adminId = String(member((await admin.expect(200, 'getMe')).body, 'id'));
  return { anonymous, admin, adminId, database, db: database.db, developer, lead, forgetLimits };
}
