/**
 * Where a schema breaks those who live by its former version. Asked as a question of fit: what the giver describes, does the taker take it? In
 * requests the giver is the released contract, whose clients send, and the taker the new one; in answers the new one gives and the released one takes.
 */
import type { Change, Direction, Rule } from './changes.ts';
import { alternativesOf, flat, isObject, membersOf, referenceOf, resolved, schemaOf, splitByType, textsOf, type Schemas } from './flat.ts';
import type { Json, JsonObject } from '../generate/document.ts';
import { valueChanges } from './values.ts';

export interface Sides {
  was: Schemas;
  is: Schemas;
  direction: Direction;
}

export interface Comparison {
  changes: Change[];
  /** Schemas to which both refer by the same name: each of them is compared once. */
  names: ReadonlySet<string>;
}

interface Work {
  givers: Schemas;
  takers: Schemas;
  direction: Direction;
  names: Set<string>;
  /** Pairs under way: schemas may hold themselves. */
  open: readonly (readonly [JsonObject, JsonObject])[];
}

/** @param place of both, for the messages */
export function compareSchemas(was: JsonObject, is: JsonObject, place: string, sides: Sides): Comparison {
  const request = sides.direction === 'request';
  const work: Work = { givers: request ? sides.was : sides.is, takers: request ? sides.is : sides.was, direction: sides.direction, names: new Set(), open: [] };
  const changes = request ? misfits(was, is, place, work) : misfits(is, was, place, work);
  return { changes, names: work.names };
}

const ruleOf = ({ direction }: Work, inRequests: Rule, inAnswers: Rule): Rule => (direction === 'request' ? inRequests : inAnswers);

function misfits(giver: JsonObject, taker: JsonObject, place: string, work: Work): Change[] {
  const name = referenceOf(giver);
  if (name !== null && name === referenceOf(taker)) {
    work.names.add(name);
    return [];
  }
  const pair = [resolved(giver, work.givers), resolved(taker, work.takers)] as const;
  if (work.open.some(([one, other]) => one === pair[0] && other === pair[1])) return [];
  return alternativeMisfits(giver, taker, place, { ...work, open: [...work.open, pair] });
}

/** Each of the giver's alternatives must fit one of the taker's. */
function alternativeMisfits(giver: JsonObject, taker: JsonObject, place: string, work: Work): Change[] {
  const takers = alternativesOf(taker, work.takers);
  const alternatives = alternativesOf(giver, work.givers);
  const givers = takers.length > 1 ? alternatives.flatMap((each) => splitByType(each, work.givers)) : alternatives;
  const [onlyGiver, onlyTaker] = [givers[0], takers[0]];
  if (givers.length === 1 && takers.length === 1 && onlyGiver !== undefined && onlyTaker !== undefined) {
    if (onlyGiver !== giver || onlyTaker !== taker) return misfits(onlyGiver, onlyTaker, place, work); // a list of one
    return plainMisfits(flat(giver, work.givers), flat(taker, work.takers), place, work);
  }
  return givers.flatMap((each, index) => {
    const tries = takers.map((other) => attempt(each, other, place, work));
    const fitting = tries.find(({ changes }) => changes.length === 0);
    if (fitting !== undefined) {
      for (const name of fitting.names) work.names.add(name);
      return [];
    }
    const counterpart = givers.length === takers.length || takers.length === 1 ? tries[Math.min(index, tries.length - 1)] : undefined;
    if (counterpart !== undefined && alikeInKind(each, takers[Math.min(index, takers.length - 1)], work)) return counterpart.changes;
    return [{ rule: ruleOf(work, 'request-alternative-removed', 'response-alternative-added'), place, text: `${described(each)} ${work.direction === 'request' ? 'is taken no more' : 'may come, which could not before'}` }];
  });
}

function attempt(giver: JsonObject, taker: JsonObject, place: string, work: Work): Comparison {
  const names = new Set<string>();
  return { changes: misfits(giver, taker, place, { ...work, names }), names };
}

/** Only then do the differences say more than that an alternative has come or gone. */
const alikeInKind = (giver: JsonObject, taker: JsonObject | undefined, work: Work): boolean =>
  taker !== undefined && JSON.stringify(flat(giver, work.givers)['type']) === JSON.stringify(flat(taker, work.takers)['type']);

const described = (schema: JsonObject): string => referenceOf(schema) ?? JSON.stringify(schema).slice(0, 80);

function plainMisfits(giver: JsonObject, taker: JsonObject, place: string, work: Work): Change[] {
  const own = valueChanges({ giver, taker }, work.direction).map((found) => ({ ...found, place }));
  if (own.some(({ rule }) => rule === 'request-type-narrowed' || rule === 'response-type-widened')) return own;
  const items = taker['items'] === undefined ? [] : misfits(schemaOf(giver['items']), schemaOf(taker['items']), `${place}[]`, work);
  return [...own, ...requiredMisfits(giver, taker, place, work), ...propertyMisfits(giver, taker, place, work), ...openMisfits(giver, taker, place, work), ...items];
}

function requiredMisfits(giver: JsonObject, taker: JsonObject, place: string, work: Work): Change[] {
  const sure = textsOf(giver['required']);
  const given = membersOf(giver['properties']);
  return textsOf(taker['required']).filter((name) => !sure.includes(name)).flatMap((name): Change[] => {
    const at = `${place}.${name}`;
    if (work.direction === 'response') return given[name] === undefined ? [] : [{ rule: 'response-property-optional', place: at, text: 'it was always there, and now need not be' }];
    if (flat(schemaOf(membersOf(taker['properties'])[name]), work.takers)['default'] !== undefined) return [];
    return [{ rule: 'request-property-required', place: at, text: given[name] === undefined ? 'it is new, and required' : 'it could be left out, and now cannot' }];
  });
}

/** Members that have gone break clients in both directions: those who send them, and those who read them. New ones are to be ignored. */
function propertyMisfits(giver: JsonObject, taker: JsonObject, place: string, work: Work): Change[] {
  const [given, taken] = [membersOf(giver['properties']), membersOf(taker['properties'])];
  const [was, is] = work.direction === 'request' ? [given, taken] : [taken, given];
  const gone = Object.keys(was).filter((name) => is[name] === undefined && !takesAnything(work.direction === 'request' ? taker : giver));
  return [
    ...gone.map((name) => ({ rule: ruleOf(work, 'request-property-removed', 'response-property-removed'), place: `${place}.${name}`, text: work.direction === 'request' ? 'it is taken no more' : 'it comes no more' })),
    ...Object.keys(given).filter((name) => taken[name] !== undefined).flatMap((name) => misfits(schemaOf(given[name]), schemaOf(taken[name]), `${place}.${name}`, work)),
  ];
}

/** Says so, or has a schema for any member. */
const takesAnything = ({ additionalProperties }: JsonObject): boolean => additionalProperties === true || isObject(additionalProperties);

/** Members that no property names. In answers a closed object may open: clients ignore what they do not know. */
function openMisfits(giver: JsonObject, taker: JsonObject, place: string, work: Work): Change[] {
  const [given, taken]: (Json | undefined)[] = [giver['additionalProperties'], taker['additionalProperties']];
  if (given === false || taken === undefined || taken === true) return [];
  if (taken !== false) return misfits(schemaOf(given), schemaOf(taken), `${place}{}`, work);
  return work.direction === 'response' ? [] : [{ rule: 'request-members-refused', place, text: 'members that are not described were taken, and are refused now' }];
}
