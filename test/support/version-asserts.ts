/** What tables of versions say of their keys. */
import * as assert from 'uvu/assert';
import { versionKey } from '../../src/advisories/versions/index.ts';

/** -1, 0 or 1; throws where one has no key. */
function compareKeys(ecosystem: string, left: string, right: string): number {
  const [a, b] = [versionKey(ecosystem, left), versionKey(ecosystem, right)];
  if (a === null || b === null) throw new Error(`no key for ${a === null ? left : right}`);
  return Math.sign(Buffer.compare(a, b));
}

/** Each is less than all after it. */
export function ascending(ecosystem: string, ...versions: string[]): void {
  for (const [index, version] of versions.entries()) {
    assert.is(compareKeys(ecosystem, version, version), 0);
    for (const greater of versions.slice(index + 1)) assert.is(compareKeys(ecosystem, version, greater), -1, `${version} < ${greater}`);
  }
}

export function equal(ecosystem: string, first: string, ...others: string[]): void {
  for (const other of others) assert.is(compareKeys(ecosystem, first, other), 0, `${first} = ${other}`);
}

/** None of them is a version. */
export function none(ecosystem: string, ...versions: string[]): void {
  for (const version of versions) assert.is(versionKey(ecosystem, version), null, `${ecosystem} ${version.slice(0, 20)}`);
}
