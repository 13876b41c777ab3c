/** A new account with its personal team. */
import { DomainError } from '../../core/errors.ts';
import type { Tx } from '../../db/connect.ts';
import { createPersonalTeam, insertUser } from '../../db/users.ts';
import { audit } from '../audit.ts';
import type { Context } from '../context.ts';

export interface NewAccount {
  /** Normalised. */
  email: string;
  fullName: string | null;
  passwordHash: string;
}

/** Returns its id. Breaks users_email_key where the address is taken. */
export async function insertAccount(tx: Tx, context: Context, { email, fullName, passwordHash }: NewAccount): Promise<string> {
  const id = await insertUser(tx, { email, fullName, passwordHash, isSuperAdmin: false });
  const teamId = await createPersonalTeam(tx, id, fullName === null ? email : `${fullName} (personal)`);
  await audit(tx, context, { action: 'create', table: 'users', id, teamId, diff: { email, full_name: fullName } });
  return id;
}

export const alreadyRegistered = (pointer?: '/email'): DomainError =>
  new DomainError('email-already-registered', 'An account with this e-mail address exists. Log in, or reset its password.', pointer === undefined ? {} : { errors: [{ pointer, message: 'is taken' }] });
