/** The user who asks, or whose API key does. */
import { userIdOf } from '../../core/actor.ts';
import { DomainError } from '../../core/errors.ts';
import type { TeamRole } from '../../core/actor.ts';
import { userWithMemberships } from '../../db/users.ts';
import type { Context } from '../context.ts';

export interface Account {
  id: string;
  email: string;
  full_name: string | null;
  is_active: boolean;
  is_superuser: boolean;
  created_at: string;
}

export interface Me extends Account {
  memberships: { team_id: string; team_name: string; role: TeamRole }[];
}

export async function getMe(context: Context): Promise<Me> {
  return describe(context, userIdOf(context.actor));
}

async function describe(context: Context, userId: string | null): Promise<Me> {
  const found = userId === null ? undefined : await userWithMemberships(context.db, userId);
  if (found === undefined) throw new DomainError('unauthorized', 'The account is gone. Log in with another one.');
  const { user, memberships } = found;
  return { id: user.id, email: user.email, full_name: user.full_name, is_active: user.is_active, is_superuser: user.is_super_admin, created_at: user.created_at, memberships };
}

/** An account that was just made. */
export async function getAccount(context: Context, userId: string): Promise<Account> {
  const { id, email, full_name, is_active, is_superuser, created_at } = await describe(context, userId);
  return { id, email, full_name, is_active, is_superuser, created_at };
}
