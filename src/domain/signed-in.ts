/** The signed-in user, where an operation is for people alone. The gate has refused everyone else before. */
import type { UserActor } from '../core/actor.ts';
import { DomainError } from '../core/errors.ts';
import type { Context } from './context.ts';

export function signedIn({ actor }: Pick<Context, 'actor'>): UserActor {
  if (actor.kind !== 'user') throw new DomainError('forbidden', 'This takes a signed-in user; an API key cannot do it.');
  return actor;
}
