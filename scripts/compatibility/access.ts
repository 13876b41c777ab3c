/** Who got past the gate of an operation and no longer does. */
import { ACTION_FOR, type Permission } from '../../src/core/permissions.ts';
import { CALLERS, verdictOf } from '../generate/access-matrix.ts';
import type { Access, JsonObject, Operation } from '../generate/document.ts';
import type { Change } from './changes.ts';

/** By the permission table as it is now: what a change of that table does is to be seen in generated/access.md. */
export function accessChanges(was: Operation, is: Operation): Change[] {
  const place = was.operationId;
  const [former, present] = [was['x-access'], is['x-access']];
  const out = CALLERS.filter((caller) => admits(former, caller) && !admits(present, caller));
  const [before, now] = [keyAction(former), keyAction(present)];
  const texts = [
    ...(out.length > 0 ? [`no longer for: ${out.join(', ')}`] : []),
    ...(now !== null && now !== before ? [`API keys need the action ${now}; it was ${before ?? 'none'}`] : []),
  ];
  return [
    ...(texts.length > 0 ? [{ rule: 'access-stricter' as const, place, text: texts.join('; ') }] : []),
    ...(securityFits(was.security ?? [], is.security ?? []) ? [] : [{ rule: 'security-stricter' as const, place, text: `credentials were ${JSON.stringify(was.security)}, are ${JSON.stringify(is.security)}` }]),
  ];
}

/** A permission that there is no more admitted nobody whom we could name. */
function admits(access: Access, caller: (typeof CALLERS)[number]): boolean {
  return (access.permission === undefined || isPermission(access.permission)) && verdictOf(access, caller) === 'in';
}

const keyAction = ({ permission }: Access): string | null => (permission !== undefined && isPermission(permission) ? ACTION_FOR[permission] : null);

const isPermission = (name: string): name is Permission => Object.hasOwn(ACTION_FOR, name);

/** Each way to authenticate that was enough still is. Without any, nothing was needed. */
function securityFits(was: readonly JsonObject[], is: readonly JsonObject[]): boolean {
  const ways = was.length === 0 ? [{}] : was;
  return is.length === 0 || ways.every((way) => is.some((other) => Object.keys(other).every((scheme) => Object.hasOwn(way, scheme))));
}
