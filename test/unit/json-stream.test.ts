/** The reader of large JSON documents takes what JSON.parse takes and nothing else, wherever the chunks of the stream end. */
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { isRecord } from '../../src/core/values.ts';
import { readJsonObject } from '../../src/domain/formats/json-stream.ts';
import { SbomError } from '../../src/domain/formats/sbom-error.ts';
import { suite } from '../support/suite.ts';

const ARRAYS = new Set(['components', 'dependencies']);

async function* chunks(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  await Promise.resolve();
}

/** The document put together again from what was handed over; null where it was refused. */
async function readBack(text: string, size: number): Promise<unknown> {
  const arrays: Record<string, unknown[]> = {};
  try {
    const members = await readJsonObject(chunks(text, size), ARRAYS, (name, element) => (arrays[name] ??= []).push(element));
    return { ...Object.fromEntries(members), ...arrays };
  } catch (error) {
    if (error instanceof SbomError) return null;
    throw error;
  }
}

function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    if (!isRecord(value)) return null;
    // an empty array hands over nothing
    return Object.fromEntries(Object.entries(value).filter(([name, member]) => !(ARRAYS.has(name) && Array.isArray(member) && member.length === 0)));
  } catch {
    return null;
  }
}

const test = suite('json-stream');

test('any document comes back as JSON.parse gives it', async () => {
  const document = fc.dictionary(fc.constantFrom('components', 'dependencies', 'metadata', 'version'), fc.jsonValue({ maxDepth: 3 }), { noNullPrototype: true });
  await fc.assert(fc.asyncProperty(document, fc.integer({ min: 1, max: 9 }), fc.constantFrom(0, 1), async (value, size, indent) => {
    const text = JSON.stringify(value, null, indent);
    assert.equal(await readBack(text, size), parsed(text));
  }), { seed: 7, numRuns: 500 });
});

test('tokens in any order are refused where JSON.parse refuses them', async () => {
  const token = fc.constantFrom('{', '}', '[', ']', ',', ':', '"components"', '"version"', '1', ' ', '[1]', '{"a":1}', 'null');
  await fc.assert(fc.asyncProperty(fc.array(token, { maxLength: 9 }), fc.integer({ min: 1, max: 9 }), async (tokens, size) => {
    const text = `{"components":[${tokens.join('')}}`;
    for (const candidate of [text, `{${tokens.join('')}}`, `{"components":[1]${tokens.join('')}`]) assert.is((await readBack(candidate, size)) === null, parsed(candidate) === null, candidate);
  }), { seed: 7, numRuns: 3000 });
});

for (const text of ['{"version":1},', ':{"version":1}', '{"components":[1}', '{"version":1]', '{"version":1,}', '{"components":[1,]}', '{"version":}', '{"components":}', '{"components":[1] 5}', '{"components":[1][2]}', '{"components":[1]"version":1}', '{,}', '{"components":[,]}']) {
  test(`${text} is no JSON`, async () => {
    assert.is(await readBack(text, 65_536), null);
  });
}

