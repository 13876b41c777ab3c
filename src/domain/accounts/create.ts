/** A new account with its personal team, whichever way its owner comes in. */
import { DomainError } from '../../core/errors.ts';
import type { Tx } from '../../db/connect.ts';
import { createPersonalTeam, insertUser, markEmailVerified } from '../../db/users.ts';
import { audit } from '../audit.ts';
import type { Context } from '../context.ts';

export interface NewAccount {
  /** Normalised. */
  email: string;
  fullName: string | null;
  /** null: signs in by an identity provider only. */
  passwordHash: string | null;
  /** Whether the owner proved to read the mailbox; not, unless said. */
  isProven?: boolean;
  /** The identity provider that named it. */
  provider?: string;
}

/** Returns its id. Breaks users_email_key where the address is taken. */
export async function insertAccount(tx: Tx, context: Context, { email, fullName, passwordHash, isProven = false, provider }: NewAccount): Promise<string> {
  const id = await insertUser(tx, { email, fullName, passwordHash, isSuperAdmin: false });
  if (isProven) await markEmailVerified(tx, id);
  await audit(tx, context, { action: 'create', table: 'users', id, diff: { email, full_name: fullName, provider } });
  await insertPersonalTeam(tx, context, id, fullName === null ? email : `${fullName} (personal)`);
  return id;
}

/** A team of the user's own; returns its id. */
export async function insertPersonalTeam(tx: Tx, context: Context, userId: string, name: string): Promise<string> {
  const teamId = await createPersonalTeam(tx, userId, name);
  await audit(tx, context, { action: 'create', table: 'teams', id: teamId, teamId, diff: { name, owner: userId } });
  return teamId;
}

export const alreadyRegistered = (pointer?: '/email'): DomainError =>
  new DomainError('email-already-registered', 'An account with this e-mail address exists. Log in, or reset its password.', pointer === undefined ? {} : { errors: [{ pointer, message: 'is taken' }] });
