/** Values for the fuzz: those that fit a schema, those that nearly do, and those that no schema should let through. */
import fc from 'fast-check';
import { isRecord } from '../../../src/core/values.ts';
import { follow, type Schema } from './operations.ts';
import { kindOf } from './tokens.ts';

type Any = fc.Arbitrary<unknown>;
type Text = fc.Arbitrary<string>;

/** `friendly`: values that are simply good, so that requests get past the first refusal. */
export type Mood = 'friendly' | 'any';

/** Rows that exist and rows that do not, half and half. */
export const idOf = (kind: string | undefined, mood: Mood = 'any'): Text => (mood === 'friendly' ? fc.nat({ max: 60 }).map((place) => `{{${kind ?? 'project'}:${place}}}`) : fc.oneof(
  fc.nat({ max: 60 }).map((place) => `{{${kind ?? 'project'}:${place}}}`),
  fc.constantFrom('00000000-0000-4000-8000-000000000000', '0198F3A1-9A40-7D11-8C22-51E6A0B4D7F3', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '0198f3a19a407d118c2251e6a0b4d7f3', '{0198f3a1-9a40-7d11-8c22-51e6a0b4d7f3}'),
));

const DATES = fc.oneof({ weight: 1, arbitrary: fc.constant('2099-01-01T00:00:00Z') }, { weight: 1, arbitrary: fc.constantFrom(
  '2026-11-24T10:40:00Z', '2099-01-01T00:00:00Z', '2030-06-30T23:59:60Z', '2016-12-31T23:59:60Z', '1970-01-01T00:00:00.000000001Z', '0000-01-01T00:00:00Z', '0001-01-01T00:00:00+23:59',
  '9999-12-31T23:59:59.999999999Z', '2027-02-29T00:00:00Z', '2028-02-29t00:00:00z', '2027-01-01T24:00:00Z', '2027-01-01T00:00:00-00:00', '2027-01-01 00:00:00Z', '2027-01-01T00:00:00+99:99',
) });
/** No host of the world outside, not even one to look up: what follows a URL must stay on this machine. */
const URLS = fc.constantFrom(
  'https://localhost:1/acme/payments.git', 'https://user:secret@localhost:1/x.git', 'ssh://git@localhost:1/acme/x.git', 'git@localhost:acme/x.git', 'git://localhost:1/x', 'https://127.0.0.1:1/x', 'http://127.0.0.1:1/x',
  'https://[::1]:1/x', 'https://0x7f.1:1/', 'file:///etc/passwd', 'ext::sh -c id', 'javascript:alert(1)', 'https://', 'https://localhost:99999/x', 'https://localhost:1/%zz', 'https://localhost:1/\u00e9\u202e', '//localhost:1/x', ' https://localhost:1/x ',
  'ssh://-oProxyCommand=id@localhost:1/x', 'https://localhost:1/{{x*2000}}',
);
const KNOWN: Readonly<Record<string, Text>> = {
  url: URLS, git_url: URLS, api_url: URLS,
  image: fc.constantFrom('localhost:1/alpine:3.20', 'localhost:1/a/b@sha256:{{a*64}}', '127.0.0.1:1/x', 'localhost:1/{{a*400}}', 'localhost:99999/x:y', 'localhost:1/A/B', 'localhost:1/x@sha256:zz'),
  email: fc.constantFrom('ada@example.com', 'ADA@Example.com', 'admin@example.com', 'a@b.c', '"quoted"@example.com', 'ada@example.com\r\nBcc: x@y.z', 'x@{{a*63}}.com', '{{a*300}}@example.com', 'ada+tag@example.com', 'a\u0131da@example.com'),
  password: fc.constantFrom('correct horse battery staple', 'a long enough passphrase', 'short', 'password1234', '{{p*256}}', '\u{1f600}\u{1f600}\u{1f600}\u{1f600}\u{1f600}\u{1f600}'),
  license: fc.constantFrom('MIT', 'mit', 'GPL-3.0-only', 'LicenseRef-any', 'MIT OR Apache-2.0', '((MIT))', 'nonsense', 'MIT WITH Classpath-exception-2.0', '{{(*200}}MIT'),
  expression: fc.constantFrom('MIT', 'MIT OR GPL-3.0-only', 'MIT AND (', 'Apache-2.0 WITH LLVM-exception', '{{(*900}}', 'NOASSERTION', 'NONE', '{{MIT OR *120}}MIT', 'a\u0000b'),
  purl_pattern: fc.constantFrom('pkg:npm/lodash', 'pkg:npm/*', 'pkg:npm/%40a/b@1.0.0', 'pkg:npm/100%', 'pkg:npm/a_b\\', 'pkg:{{*a*60}}', 'pkg:pypi/requests@2.19.1'),
  sort: fc.constantFrom('name', '-created_at', 'name,-name', 'created_at,id', '', ',', '-', 'nothing', '__proto__', 'constructor', 'toString', 'name;DROP TABLE users', '{{name,*200}}', '-severity', 'status', '-priority', 'version'),
  cursor: fc.constantFrom('', 'x', 'e30', 'bnVsbA', 'W10', 'eyJfX3Byb3RvX18iOjF9', 'WyIwMTk4ZjNhMS05YTQwLTdkMTEtOGMyMi01MWU2YTBiNGQ3ZjMiXQ', 'WzEsMiwzXQ==', '{{A*3000}}', '%00'),
  vulnerability: fc.constantFrom('CVE-2021-23337', 'cve-2021-23337', 'GHSA-35jh-r3h4-6jhm', 'CVE-', '%', '_', '\\', "'"),
  vulnerability_id: fc.constantFrom('CVE-2021-23337', 'cve-2021-23337', 'GHSA-35jh-r3h4-6jhm', 'x', '%', '__proto__', '{{vulnerability:0}}', '{{vulnerability:1}}'),
  provider: fc.constantFrom('github', 'google', 'oidc', 'nothing', '__proto__', 'constructor'),
  name: fc.constantFrom('{{backup:0}}', 'manual-20260101T000000Z', 'auto-20260101T000000Z', 'manual-20261301T000000Z', 'Fuzz', '{{n*255}}', ' x ', 'na\u0301me \u{1f600}', '\u202etxt', 'a\tb', '-'),
  purl: fc.constantFrom('pkg:npm/lodash@4.17.20', 'pkg:npm/lodash', 'PKG:NPM/lodash', 'pkg:', 'pkg:npm/%zz', 'pkg:npm/@1', 'pkg:npm/a@%00', 'pkg:npm/%40a/b@1?x=y#z'),
  ref: fc.constantFrom('main', 'refs/heads/main', 'refs/heads/', 'refs/heads/refs/heads/x', 'a/b', '{{r*255}}', '@', 'x~1', '-x', 'HEAD', '.lock'),
  if_match: fc.constantFrom('1', '"1"', 'W/"1"', '2', '"3"', '0', '-1', '*', '""', '"x"', '999999999', '9999999999', '"1","2"', ' 1 ', '1.0', '\u00e9'),
  confirm: fc.constantFrom('restore', 'Restore', 'restore ', ''),
};

/** Values that are simply good come often: a request is refused for one that is not. */
const FIRST: Readonly<Record<string, readonly string[]>> = { name: ['Fuzz'], git_url: ['https://localhost:1/acme/payments.git'], url: ['https://localhost:1/x'], password: ['a long enough passphrase'], license: ['MIT'], expression: ['MIT'], sort: ['created_at'], ref: ['main'], if_match: ['{{current}}'], purl_pattern: ['pkg:npm/lodash'], confirm: ['restore'], justification: ['a reason of more than ten characters'], reason: ['a reason of more than ten characters'] };

const TEXTS = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('a', 'main', 'Fuzz name', 'a reason of more than ten characters', '0', 'true', 'null', '1e3', 'x y', 'x,y', '-', '_', '%', '\\', "'", '"', '<b>', '{{a*64}}') },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 12 }) },
);
/** Texts that somewhere mean more than themselves. */
export const HOSTILE_TEXTS = fc.constantFrom(
  '', ' ', '\u0000', 'a\u0000b', '\ud800', 'a\udc00', '\u{10ffff}', '\ufeff', '\u202e', '\u2028', '\r\nX-Injected: 1', '../../etc/passwd', '..%2f..', '%00', '%', "' OR 1=1 --", '"; DROP TABLE users; --', '{{x*255}}', '{{x*256}}',
  '{{x*4001}}', '{{x*70000}}', '{{\u{1f600}*3000}}', '__proto__', 'constructor', 'NaN', 'Infinity', '-0', '1e400', '0x10', '9223372036854775808', '${7*7}', '=cmd()', '@import', '\\', '\u0130', '\u00df', 'null', 'undefined', '[object Object]', '(a+)+$', 'e\u0301',
);
const NUMBERS = fc.constantFrom(0, -0, -1, 1, 1.5, 200, 201, 2 ** 31 - 1, 2 ** 31, -(2 ** 31) - 1, 2 ** 53, 2 ** 63, 1e21, 1e308, 5e-324, -1e308);

/** Anything that JSON can say and that is seldom right. */
export const hostile: Any = fc.oneof(
  { weight: 4, arbitrary: HOSTILE_TEXTS },
  { weight: 3, arbitrary: NUMBERS },
  { weight: 2, arbitrary: fc.constantFrom<unknown>(null, true, false, [], {}, [[]], [null], { a: 1 }, { length: -1 }, { toString: 1 }, { then: 1 }, { toJSON: 'x' }, ['a', 'a']) },
  { weight: 1, arbitrary: DATES },
  { weight: 1, arbitrary: idOf('project') },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) },
);

const fits = (pattern: unknown) => (value: string): boolean => typeof pattern !== 'string' || new RegExp(pattern, 'u').test(value.replaceAll(/\{\{.*?\}\}/g, 'a'));
const textOf = (schema: Schema, name: string, path: string, mood: Mood): Text => {
  const { format, pattern } = schema;
  if (format === 'uuid') return idOf(kindOf(name, path), mood);
  if (format === 'date-time') return mood === 'friendly' ? fc.constantFrom('2099-01-01T00:00:00Z', '2026-01-01T00:00:00Z') : DATES;
  const good = FIRST[name];
  if (mood === 'friendly' && good !== undefined) return fc.constantFrom(...good);
  const known = KNOWN[format === 'email' || format === 'password' ? format : name] ?? (kindOf(name, path) === undefined ? TEXTS : fc.oneof(idOf(kindOf(name, path)), TEXTS));
  const fitting = fc.oneof({ weight: 6, arbitrary: fc.oneof(...(FIRST[name] ?? []).map((text) => ({ weight: 4, arbitrary: fc.constant(text) })), { weight: 5, arbitrary: known }) }, { weight: 1, arbitrary: TEXTS });
  return typeof pattern === 'string' ? fitting.map((text) => (fits(pattern)(text) ? text : 'abcdef0123456789'.slice(0, 7))) : fitting;
};

/** Values that fit the schema, as far as a schema tells. @param name of the member or parameter @param path of the operation */
export function valid(given: unknown, name: string, path: string, mood: Mood = 'any'): Any {
  const schema = follow(given);
  const { enum: choices, type, oneOf, anyOf } = schema;
  if ('const' in schema) return fc.constant(schema['const']);
  if (Array.isArray(choices)) return fc.constantFrom(...choices.map((choice: unknown) => choice));
  const branches = Array.isArray(oneOf) ? oneOf : Array.isArray(anyOf) ? anyOf : null;
  if (branches !== null) return fc.oneof(...branches.map((branch) => valid(branch, name, path, mood)));
  if (Array.isArray(type)) return fc.oneof(...type.map((one: unknown) => ({ weight: one === 'null' ? 1 : 4, arbitrary: valid({ ...schema, type: one }, name, path, mood) })));
  const numbers = (fallback: number): { min: number; max: number } => ({ min: Number(schema['minimum'] ?? 0), max: Number(schema['maximum'] ?? fallback) });
  switch (type) {
    case 'null': return fc.constant(null);
    case 'boolean': return fc.boolean();
    case 'integer': return fc.oneof(fc.integer({ min: numbers(5).min, max: Math.min(numbers(5).max, numbers(5).min + 5) }), fc.integer(numbers(2 ** 31 - 1)));
    case 'number': return fc.double({ ...numbers(1), noNaN: true });
    case 'string': return textOf(schema, name, path, mood);
    case 'array': return fc.array(valid(schema['items'], name, path, mood), { minLength: Number(schema['minItems'] ?? 0), maxLength: Math.max(Number(schema['minItems'] ?? 0), 3) });
    case 'object': return objectOf(schema, path, mood);
    default: return hostile;
  }
}

/** An example of the contract, its URLs led to this machine. */
const local = (example: unknown): unknown => JSON.parse(JSON.stringify(example).replaceAll(/https?:\/\/[^/"]+/g, 'https://localhost:1'));

function objectOf(schema: Schema, path: string, mood: Mood): Any {
  const example: unknown = Array.isArray(schema['examples']) ? schema['examples'][0] : undefined;
  const properties = isRecord(schema['properties']) ? schema['properties'] : {};
  const required: unknown[] = Array.isArray(schema['required']) ? schema['required'] : [];
  const members = Object.fromEntries(Object.entries(properties).map(([name, node]) => {
    const shown = isRecord(example) && isRecord(node) && node['type'] === undefined && node['$ref'] === undefined && name in example ? local(example[name]) : undefined;
    return [name, shown === undefined ? valid(node, name, path, mood) : fc.oneof({ weight: mood === 'friendly' ? 9 : 1, arbitrary: fc.constant(shown) }, { weight: 1, arbitrary: hostile })];
  }));
  const pairs = Object.entries(members).map(([name, value]): fc.Arbitrary<[string, unknown][]> => {
    const present = value.map((one): [string, unknown][] => [[name, one]]);
    return required.includes(name) ? present : fc.oneof({ weight: mood === 'friendly' ? 3 : 2, arbitrary: fc.constant<[string, unknown][]>([]) }, { weight: 1, arbitrary: present });
  });
  return fc.tuple(...pairs).map((all) => Object.fromEntries(all.flat()));
}
