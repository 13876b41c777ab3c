/** The one gate of authorisation: what `x-access` asks of the actor, answered before any handler runs. */
import { ACTION_FOR, allows, allowsInstallation, hasAction, mayRead, type Permission } from '../core/permissions.ts';
import { DomainError } from '../core/errors.ts';
import { isUuid } from '../core/ids.ts';
import type { Actor } from '../core/actor.ts';
import type { ScopeKind } from '../db/scopes.ts';
import type { Caches } from './caches.ts';

/** `x-access` as generated/operations.ts has it. */
export interface Access {
  readonly public?: string;
  readonly self?: string;
  /** A setting: the operation is for who has its value, whoever that is. Its security scheme has looked at that already. */
  readonly token?: string;
  readonly permission?: Permission;
  readonly within?: string;
  readonly from?: string;
  readonly hide?: boolean;
}

const SCOPES: readonly ScopeKind[] = ['project', 'scan', 'component', 'finding', 'license_finding', 'license_policy', 'approval', 'team', 'api_key'];

/**
 * Throws forbidden, or not-found where existence is hidden or there is no such row. Ids that are no UUIDs pass: validation, which
 * comes next, refuses them.
 */
export async function authorize(caches: Caches, actor: Actor, access: Access, path: Readonly<Record<string, string | undefined>>, body: unknown): Promise<void> {
  if (access.self === 'interactive' && actor.kind === 'api_key') throw new DomainError('forbidden', `API key 'tos_${actor.prefix}_…' cannot do this: it takes a signed-in user (POST /auth/login).`);
  if (access.permission === undefined) return;
  const permission = access.permission;
  if (access.within === 'installation') {
    if (!allowsInstallation(actor)) throw hidden();
    return;
  }
  // what a key may not do anywhere tells nothing of any row, so this is 403 where rows are hidden too
  if (!hasAction(actor, permission)) throw new DomainError('forbidden', lackOf(actor, permission));
  if (access.within === 'visible') return;
  const kind = SCOPES.find((scope) => scope === access.within);
  if (kind === undefined) throw hidden(); // no such rows before the release that brings them
  const id = idFrom(access.from ?? '', path, body);
  if (!isUuid(id)) return;
  const scope = await caches.scope(kind, id);
  if (scope === undefined) {
    if (access.hide === true || access.from?.startsWith('body.') !== true) throw hidden();
    throw new DomainError('forbidden', refusalOf(actor, permission));
  }
  if (allows(actor, permission, scope)) return;
  // who may read the row knows that it exists
  throw access.hide === true && !mayRead(actor, permission, scope) ? hidden() : new DomainError('forbidden', refusalOf(actor, permission));
}

function lackOf(actor: Actor, permission: Permission): string {
  if (actor.kind !== 'api_key') return refusalOf(actor, permission);
  const action = ACTION_FOR[permission];
  return `API key 'tos_${actor.prefix}_…' ${action === null ? 'cannot do this: it takes a signed-in user' : `lacks required action '${action}'`}.`;
}

function refusalOf(actor: Actor, permission: Permission): string {
  if (actor.kind !== 'api_key') return `Your role does not include '${permission}' here. Ask an admin of the owning team.`;
  return `API key 'tos_${actor.prefix}_…' does not reach this: it lies outside the key's scope or its issuer's role ('${permission}'). Take a key that an admin of the owning team has issued for it.`;
}

const hidden = (): DomainError => new DomainError('not-found', 'Nothing with this address that you may see.');

/** `path.id` or `body.team_id`. */
function idFrom(from: string, path: Readonly<Record<string, string | undefined>>, body: unknown): unknown {
  const [place, name = ''] = from.split('.');
  if (place === 'path') return path[name];
  return typeof body === 'object' && body !== null && Object.hasOwn(body, name) ? Object.entries(body).find(([key]) => key === name)?.[1] : undefined;
}
