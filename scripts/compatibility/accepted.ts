/** Breaks that are meant: a list with reasons, that may hold nothing which is not there. */
import { isRecord } from '../../src/core/values.ts';
import { nameOf, type Change } from './changes.ts';

export interface Accepted {
  /** As a change is named; `*` stands for anything. */
  change: string;
  reason: string;
}

const SHORTEST_REASON = 10;

/** Throws where the list is not one of changes with reasons. @param list as parsed */
export function readAccepted(list: unknown): Accepted[] {
  if (!Array.isArray(list)) throw new TypeError('accepted.yaml is not a list');
  return list.map((item: unknown, index) => {
    const { change, reason } = isRecord(item) ? item : {};
    if (typeof change !== 'string' || typeof reason !== 'string' || reason.trim().length < SHORTEST_REASON) throw new TypeError(`accepted.yaml, entry ${index + 1}: it needs a change and a reason of ${SHORTEST_REASON} characters or more`);
    return { change, reason };
  });
}

/** What is left of the changes, and the entries that accept none. */
export function without(accepted: readonly Accepted[], changes: readonly Change[]): { left: Change[]; unused: Accepted[] } {
  const accepts = (entry: Accepted, change: Change): boolean => patternOf(entry.change).test(nameOf(change));
  return {
    left: changes.filter((change) => !accepted.some((entry) => accepts(entry, change))),
    unused: accepted.filter((entry) => !changes.some((change) => accepts(entry, change))),
  };
}

const patternOf = (text: string): RegExp => new RegExp(`^${text.split('*').map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('.*')}$`);
