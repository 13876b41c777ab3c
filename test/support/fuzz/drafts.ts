/** What one request of the fuzz is made of, as fast-check makes and shrinks it: a fitting request, and up to three twists to it. */
import fc from 'fast-check';
import { isRecord } from '../../../src/core/values.ts';
import type { Operation, Parameter } from './operations.ts';
import { HOSTILE_TEXTS, hostile, valid, type Mood } from './values.ts';

/** Names of callers, the ones that get far more often. */
export const CALLERS = ['superAdmin', 'teamAdmin', 'developer', 'outsider', 'orgKey', 'teamKey', 'projectKey', 'readKey', 'triggerKey', 'expiredKey', 'forged', 'nobody'] as const;
export type Caller = (typeof CALLERS)[number];
/** Their credential is none: 401 wherever one is asked for. */
export const OUTSIDE: readonly Caller[] = ['nobody', 'forged', 'expiredKey'];

/** A file or a field of a form. */
export interface Part {
  name: string;
  /** Of a file. */
  fileName: string | null;
  text: string;
}

export type Twist =
  | { at: 'path'; name: number; text: string }
  | { at: 'url'; how: 'slash' | 'prefix' | 'double' | 'dots' | 'upper' | 'percent' | 'bytes' | 'semicolon' | 'fragment' }
  | { at: 'query'; text: string }
  | { at: 'header'; name: string; text: string }
  | { at: 'method'; name: string }
  | { at: 'type'; text: string }
  | { at: 'json'; how: 'replace' | 'remove' | 'add' | 'wrap' | 'many'; node: number; key: string; value: unknown }
  | { at: 'text'; how: 'cut' | 'insert'; place: number; text: string }
  | { at: 'part'; how: 'twice' | 'rename' | 'drop' | 'add' | 'asFile' | 'asField'; which: number; text: string }
  | { at: 'form'; how: 'unended' | 'otherBoundary' | 'noHeaders' | 'empty' | 'bareLf' };

export interface Draft {
  caller: Caller;
  path: Record<string, unknown>;
  query: Record<string, unknown>;
  headers: Record<string, unknown>;
  cookies: Record<string, unknown>;
  body: { json: unknown } | { parts: Part[] } | null;
  twists: Twist[];
}

const KEYS = fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'id', 'version', 'is_super_admin', 'team_id', 'created_at', '', '\u0000', '\ud800', '{{k*300}}', '$ref', '0', 'a.b', 'a[b]');
const INSERTS = fc.constantFrom('\ufeff', ',', '}', '"', '\u0000', '\n', '//x', 'NaN', '1e999', '-', '{{[*100000}}', '{"a":{{[*500}}{{]*500}}}', '"__proto__":{"is_super_admin":true},', '"name":1,"name":2,', '\u{fe}ff', '\u{fe}c0\u{fe}80', '\u{fe}ed\u{fe}a0\u{fe}80', '{{ *1048577}}', "'", '\\ud800', '"\\u0000":0,');
const TYPES = fc.constantFrom(
  '', 'application/json; charset=utf-16', 'APPLICATION/JSON', 'application/json;', 'application/json, text/plain', 'application/merge-patch+json', 'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'multipart/form-data; boundary=',
  'multipart/form-data; boundary={{b*300}}', 'multipart/form-data; boundary="a b"', 'multipart/mixed; boundary=x', '/', 'application', 'application/json\u00e9', 'application/octet-stream',
);
const HEADERS = fc.tuple(
  fc.constantFrom('If-Match', 'If-None-Match', 'Idempotency-Key', 'X-Request-ID', 'Accept', 'Accept-Encoding', 'Content-Encoding', 'Cookie', 'Origin', 'Range', 'X-Forwarded-For', 'X-HTTP-Method-Override', 'Expect', 'Host', 'If-Modified-Since', 'Authorization'),
  fc.constantFrom('', '1', '"1"', '*', '"1","2"', 'W/"', 'fixed-key', 'a key', '{{k*255}}', '{{k*256}}', '\u00e9', 'text/html', 'gzip', 'identity;q=0', 'refresh_token=x; refresh_token=y', '__proto__=1; oauth_state=%zz', 'refresh_token="', 'bytes=0-1', 'null', 'https://evil.invalid', '127.0.0.1, ::1, x', 'DELETE', '100-continue', '-1', '{{h*9000}}', 'Bearer', 'Basic YTpi', 'Bearer tos_', 'Bearer a b'),
);

const nat = fc.nat({ max: 40 });
function twistOf(operation: Operation): fc.Arbitrary<Twist> {
  const at = <Name extends Twist['at'], Rest>(name: Name, rest: fc.Arbitrary<Rest>): fc.Arbitrary<{ at: Name } & Rest> => rest.map((one) => ({ at: name, ...one }));
  const queryNames = operation.parameters.filter((one) => one.in === 'query').map(({ name }) => name);
  const names = fc.constantFrom(...queryNames, ...queryNames, ...queryNames, 'unknown', '__proto__', 'limit[]', '', '%zz', '%ff', 'a%00');
  const choices: fc.WeightedArbitrary<Twist>[] = [
    { weight: queryNames.length > 0 ? 4 : 1, arbitrary: at('query', fc.record({ text: fc.tuple(names, fc.oneof(HOSTILE_TEXTS.map((text) => (text.isWellFormed() ? encodeURIComponent(text).replaceAll(/%7B%7B(.*?)%7D%7D/g, (_all, token: string) => `{{${decodeURIComponent(token)}}}`) : '%ed%a0%80')), fc.constantFrom('%', '%zz', '%ff%fe', '+', '1', '-1', '1e3', '0', '201', '9007199254740993', '99999999999999999999', '1.5', 'true', 'name', '{{scan:1}}'))).map(([name, value]) => `${name}=${value}`) })) },
    { weight: 2, arbitrary: at('header', HEADERS.map(([name, text]) => ({ name, text }))) },
    { weight: 1, arbitrary: at('url', fc.record({ how: fc.constantFrom('slash', 'prefix', 'double', 'dots', 'upper', 'percent', 'bytes', 'semicolon', 'fragment') })) },
    { weight: 1, arbitrary: at('method', fc.record({ name: fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND') })) },
  ];
  if (operation.path.includes('{')) choices.push({ weight: 2, arbitrary: at('path', fc.record({ name: nat, text: HOSTILE_TEXTS })) });
  const types = operation.bodies.map(([type]) => type);
  if (types.length > 0) choices.push({ weight: 1, arbitrary: at('type', fc.record({ text: TYPES })) });
  if (types.includes('application/json')) {
    choices.push({ weight: 9, arbitrary: at('json', fc.record({ how: fc.constantFrom('replace', 'replace', 'replace', 'remove', 'add', 'wrap', 'many'), node: nat, key: KEYS, value: hostile })) });
    choices.push({ weight: 2, arbitrary: at('text', fc.record({ how: fc.constantFrom('cut', 'insert'), place: fc.nat({ max: 100 }), text: INSERTS })) });
  }
  if (types.includes('multipart/form-data')) {
    choices.push({ weight: 4, arbitrary: at('part', fc.record({ how: fc.constantFrom('twice', 'rename', 'drop', 'add', 'asFile', 'asField'), which: nat, text: HOSTILE_TEXTS })) });
    choices.push({ weight: 2, arbitrary: at('form', fc.record({ how: fc.constantFrom('unended', 'otherBoundary', 'noHeaders', 'empty', 'bareLf') })) });
  }
  return fc.oneof(...choices);
}

const FILES = fc.constantFrom('{{file:0}}', '{{file:1}}', '{{file:2}}', '{{file:3}}', '{{file:4}}', '{{file:5}}', '{{file:6}}', '', '{}', '[]', '<', 'PK\u0003\u0004', '\u{fe}1f\u{fe}8b\u0008', '{"bomFormat":"CycloneDX","specVersion":"1.6","components":{{[*3000}}', 'SPDXVersion: SPDX-2.3\n');
function bodyOf(operation: Operation, mood: Mood): fc.Arbitrary<Draft['body']> {
  const kinds = operation.bodies.map(([type, schema]): fc.Arbitrary<Draft['body']> => {
    if (type !== 'multipart/form-data') return valid(schema, '', operation.path, mood).map((json) => ({ json }));
    const properties = Object.entries(isRecord(schema['properties']) ? schema['properties'] : {});
    return fc.tuple(...properties.map(([name, node]): fc.Arbitrary<Part[]> => {
      const isFile = isRecord(node) && node['format'] === 'binary';
      const part = isFile ? FILES.map((text) => [{ name, fileName: 'bom.json', text }]) : valid(node, name, operation.path, mood).map((value) => [{ name, fileName: null, text: typeof value === 'string' ? value : JSON.stringify(value) }]);
      return fc.oneof({ weight: isFile || name === 'confirm' ? 3 : 1, arbitrary: part }, { weight: 2, arbitrary: fc.constant<Part[]>([]) });
    })).map((parts) => ({ parts: parts.flat() }));
  });
  return kinds.length === 0 ? fc.oneof({ weight: 9, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: hostile.map((json) => ({ json })) }) : fc.oneof({ weight: 1, arbitrary: fc.constant(null) }, ...kinds.map((arbitrary) => ({ weight: 9, arbitrary })));
}

/** Of the operation's parameters of one place: what it requires always, each other one now and then. */
function parametersOf(operation: Operation, place: Parameter['in'], mood: Mood): fc.Arbitrary<Record<string, unknown>> {
  const those = operation.parameters.filter((one) => one.in === place);
  const pairs = those.map(({ name, required, schema }): fc.Arbitrary<[string, unknown][]> => {
    const value = valid(schema, name === 'If-Match' || name === 'If-None-Match' ? 'if_match' : name, operation.path, mood);
    const present = value.map((one): [string, unknown][] => [[name, one]]);
    if (required || place === 'path') return present;
    return fc.oneof({ weight: place === 'header' ? 3 : 1, arbitrary: present }, { weight: place === 'header' ? 1 : 3, arbitrary: fc.constant<[string, unknown][]>([]) });
  });
  return fc.tuple(...pairs).map((all) => Object.fromEntries(all.flat()));
}

/** A quarter are friendly: from callers that may do much, and with nothing wrong on purpose. */
export function draftOf(operation: Operation): fc.Arbitrary<Draft> {
  const twist = twistOf(operation);
  const pieces = (mood: Mood) => ({
    path: parametersOf(operation, 'path', mood), query: parametersOf(operation, 'query', mood), headers: parametersOf(operation, 'header', mood), cookies: parametersOf(operation, 'cookie', mood), body: bodyOf(operation, mood),
  });
  const friendly = fc.record({ caller: fc.constantFrom<Caller>('superAdmin', 'superAdmin', 'teamAdmin', 'developer', 'orgKey'), ...pieces('friendly'), twists: fc.constant<Twist[]>([]) });
  const any = fc.record({
    caller: fc.oneof({ weight: 5, arbitrary: fc.constantFrom<Caller>('superAdmin', 'teamAdmin', 'developer') }, { weight: 4, arbitrary: fc.constantFrom(...CALLERS) }), ...pieces('any'),
    twists: fc.oneof({ weight: 4, arbitrary: fc.constant<Twist[]>([]) }, { weight: 4, arbitrary: twist.map((one) => [one]) }, { weight: 2, arbitrary: fc.array(twist, { minLength: 2, maxLength: 3 }) }),
  });
  const nearly = fc.record({ ...pieces('friendly'), caller: fc.constantFrom<Caller>('superAdmin', 'teamAdmin'), twists: twist.map((one) => [one]) });
  return fc.oneof({ weight: 1, arbitrary: friendly }, { weight: 1, arbitrary: nearly }, { weight: 2, arbitrary: any });
}
