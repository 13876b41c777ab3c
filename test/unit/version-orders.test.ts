/** Keys sort as the ecosystems sort; the orders of npm and PyPI are held against independent implementations on random versions. */
import * as pep440 from '@renovatebot/pep440';
import semver from 'semver';
import * as assert from 'uvu/assert';
import { versionKey } from '../../src/advisories/versions/index.ts';
import { suite } from '../support/suite.ts';

function compareKeys(ecosystem: string, left: string, right: string): number {
  const [a, b] = [versionKey(ecosystem, left), versionKey(ecosystem, right)];
  if (a === null || b === null) throw new Error(`no key for ${a === null ? left : right}`);
  return Math.sign(Buffer.compare(a, b));
}

/** A generator of its own, so that a failure can be had again. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function ascending(ecosystem: string, ...versions: string[]): void {
  for (const [index, version] of versions.entries()) {
    assert.is(compareKeys(ecosystem, version, version), 0);
    for (const greater of versions.slice(index + 1)) assert.is(compareKeys(ecosystem, version, greater), -1, `${version} < ${greater}`);
  }
}
function equal(ecosystem: string, first: string, ...others: string[]): void {
  for (const other of others) assert.is(compareKeys(ecosystem, first, other), 0, `${first} = ${other}`);
}

const orders = suite('versionKey');
orders('npm: the order of semver.org, and sizes beyond 64 bits', () => {
  ascending('npm', '1.0.0-alpha', '1.0.0-alpha.1', '1.0.0-alpha.beta', '1.0.0-beta', '1.0.0-beta.2', '1.0.0-beta.11', '1.0.0-rc.1', '1.0.0', '1.0.1', '1.2.0', '1.10.0', '9.0.0', '10.0.0', '99999999999999999999999.0.0');
  equal('npm', '1.0.0', 'v1.0.0', '1.0.0+build.5', '1', '1.0', '=1.0.0');
});
orders('npm: as the semver package on random versions', () => {
  const pick = random(42);
  const version = (): string => {
    const pre = pick(2) === 0 ? '' : `-${Array.from({ length: 1 + pick(3) }, () => ['0', '1', '10', '2', 'a', 'ab', 'A', 'a-b', '1a', 'rc'][pick(10)] ?? '').join('.')}`;
    return `${pick(3)}.${pick(12)}.${pick(3)}${pre}`;
  };
  for (let round = 0; round < 20_000; round += 1) {
    const [a, b] = [version(), version()];
    assert.is(compareKeys('npm', a, b), semver.compare(a, b), `${a} ? ${b}`);
  }
});
orders('Go: pseudo-versions, +incompatible and the names of toolchains', () => {
  ascending('Go', 'v0.0.0-20190101000000-abcdefabcdef', 'v0.0.0-20200101000000-abcdefabcdef', 'v0.0.1', 'v1.2.3-0.20200101000000-abcdefabcdef', 'v1.2.3', 'v2.0.0+incompatible');
  ascending('Go', 'go1.21beta1', 'go1.21rc2', '1.21.0', 'go1.21.1', '1.22.0-rc.1', 'go1.22');
  equal('Go', 'go1.22rc1', '1.22.0-rc.1', '1.22rc1');
});
orders('PyPI: the order of PEP 440', () => {
  ascending('PyPI', '1.0.dev1', '1.0a1.dev1', '1.0a1', '1.0a2', '1.0b1', '1.0rc1', '1.0', '1.0+abc', '1.0+abc.1', '1.0+5', '1.0.post1.dev1', '1.0.post1', '1.0.1', '1.1', '1.10', '1!0.1');
  equal('PyPI', '1.0', '1', '1.0.0', 'v1.0', '01.0');
  equal('PyPI', '1.0rc1', '1.0c1', '1.0-RC.1', '1.0pre1', '1.0_rc_1');
  equal('PyPI', '1.0.post1', '1.0-1', '1.0rev1');
});
orders('PyPI: as pep440.js on random versions', () => {
  const pick = random(7);
  const maybe = (text: string): string => (pick(3) === 0 ? text : '');
  const version = (): string =>
    `${maybe(`${pick(2)}!`)}${pick(3)}${maybe(`.${pick(12)}`)}${maybe('.0')}${maybe(`${['a', 'b', 'rc'][pick(3)] ?? ''}${pick(12)}`)}${maybe(`.post${pick(3)}`)}${maybe(`.dev${pick(3)}`)}${maybe(`+${['abc', '1', '10', 'a.1', '1.a'][pick(5)] ?? ''}`)}`;
  for (let round = 0; round < 20_000; round += 1) {
    const [a, b] = [version(), version()];
    assert.is(compareKeys('PyPI', a, b), Math.sign(pep440.compare(a, b)), `${a} ? ${b}`);
  }
});
orders('Maven: the examples of its specification', () => {
  ascending('Maven', '1', '1.1');
  ascending('Maven', '1-snapshot', '1', '1-sp');
  ascending('Maven', '1-foo2', '1-foo10');
  ascending('Maven', '1.foo', '1-1', '1.1');
  equal('Maven', '1.foo', '1-foo');
  equal('Maven', '1', '1.ga', '1-ga', '1-0', '1.0', '1.0.0', '1-final', '1.release', '1.', '1-');
  equal('Maven', '1-a1', '1-alpha-1');
  equal('Maven', '1.0.0-foo.0.0', '1-foo');
  equal('Maven', '1-cr1', '1-rc1');
  ascending('Maven', '1-sp-1', '1-ga-1');
  equal('Maven', '1-ga-1', '1-1');
});
orders('Maven: qualifiers, milestones and long numbers in their order', () => {
  ascending('Maven', '1-alpha-1-SNAPSHOT', '1-alpha-1', '1-alpha2', '1-beta-1', '1-m1', '1-rc1', '1-rc2', '1-SNAPSHOT', '1', '1-sp', '1-a', '1-whatever', '1-1', '1-2', '1.0.1', '1.1', '1.9', '1.10', '2');
  ascending('Maven', '2.0.0.RC1', '2.0.0.RELEASE', '2.0.1.RELEASE', '2.1.0.M1', '2.1.0.RELEASE');
  ascending('Maven', '4.1.42.Final', '4.1.100.Final');
  ascending('Maven', '31.1-jre', '32.0.0-android', '32.0.0-jre', '32.0.1-android');
  ascending('Maven', '2.9.10', '2.9.10.1', '2.9.10.8', '2.9.11');
  ascending('Maven', '20130101', '20220924', '99999999999999999999');
  ascending('Maven', '1-0.0.alpha', '1', '1.0.0.1', '1.0.1', '1.1');
});
orders('what is no version has no key', () => {
  for (const [ecosystem, version] of [['npm', 'latest'], ['npm', '1.2.3.4'], ['PyPI', '2012-01-01'], ['PyPI', 'dev'], ['Go', '(devel)'], ['Maven', ''], ['npm', ''], ['Debian:12', '1.0'], ['npm', `${'9'.repeat(300)}.0.0`], ['npm', 'x'.repeat(1000)]] as const) {
    assert.is(versionKey(ecosystem, version), null, `${ecosystem} ${version.slice(0, 20)}`);
  }
});
