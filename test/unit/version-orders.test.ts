/** Keys sort as the ecosystems sort: cases from their documentation and test suites. On generated versions: version-properties.test.ts. */
import * as assert from 'uvu/assert';
import { versionKey } from '../../src/advisories/versions/index.ts';
import { suite } from '../support/suite.ts';
import { ascending, equal, none } from '../support/version-asserts.ts';
import { COMPARATORS } from '../support/version-comparators.ts';

/** That tools go round in circles where our keys depart from them. */
function circle(ecosystem: string, ...versions: readonly string[]): void {
  const compare = COMPARATORS[ecosystem];
  for (const [index, version] of versions.entries()) assert.is(compare?.(version, versions[(index + 1) % versions.length] ?? ''), -1, version);
}

const orders = suite('versionKey');
orders('npm: the order of semver.org, and sizes beyond 64 bits', () => {
  ascending('npm', '1.0.0-alpha', '1.0.0-alpha.1', '1.0.0-alpha.beta', '1.0.0-beta', '1.0.0-beta.2', '1.0.0-beta.11', '1.0.0-rc.1', '1.0.0', '1.0.1', '1.2.0', '1.10.0', '9.0.0', '10.0.0', '99999999999999999999999.0.0');
  equal('npm', '1.0.0', 'v1.0.0', '1.0.0+build.5', '1', '1.0', '=1.0.0');
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
orders('Maven: as version 3.9 for an underscore, for text nulls, and where the specification stands in for it', () => {
  ascending('Maven', '1', '1_1', '1-1'); // an underscore is a letter
  ascending('Maven', '9-rc', '9', '9-final.1', '9-sp', '9-foo');
  ascending('Maven', '2-rc', '2', '2.sp.2');
  circle('Maven', '2-rc', '2', '2.sp.2');
  ascending('Maven', '2-ga-rc', '2', '2-foo');
  circle('Maven', '2-ga-rc', '2', '2-foo');
  ascending('Maven', '1.constructor', '1.0.1');
  ascending('Maven', `1${'.0'.repeat(60)}.1`, `1${'.0'.repeat(50)}.1`);
});
orders('crates.io, Hex, Swift, GitHub Actions and Bitnami are semantic versions', () => {
  for (const ecosystem of ['crates.io', 'Hex', 'SwiftURL', 'GitHub Actions', 'Bitnami', 'VSCode']) {
    ascending(ecosystem, '0.9.9', '1.0.0-alpha', '1.0.0-alpha.1', '1.0.0-alpha.beta', '1.0.0-beta', '1.0.0-beta.2', '1.0.0-beta.11', '1.0.0-rc.1', '1.0.0', '2.0.0', '10.0.0');
    equal(ecosystem, '1.0.0', '1.0.0+build', 'v1.0.0');
  }
  ascending('GitHub Actions', 'v3', 'v3.5.2', 'v4', 'v4.1', 'v10');
  equal('GitHub Actions', 'v4', 'v4.0.0', '4.0');
  equal('crates.io', '111.25.0+1.1.1t', '111.25.0+1.1.1w');
});
orders('Pub and Julia: build metadata counts', () => {
  ascending('Pub', '1.0.0-alpha', '1.0.0-alpha.1', '1.0.0-beta.2', '1.0.0-beta.11', '1.0.0-rc.1', '1.0.0-rc.1+build.1', '1.0.0', '1.0.0+0.3.7', '1.3.7+build', '1.3.7+build.2.b8f12d7', '1.3.7+build.11.e0f985a', '2.0.0', '2.1.0', '2.2.0', '2.11.0', '2.11.1');
  ascending('Julia', '3.0.12+9', '3.0.13-rc1', '3.0.13', '3.0.13+0', '3.0.13+1', '3.0.13+10');
  equal('Pub', '01.2.3+01', '1.2.3+1');
});
orders('NuGet: four numbers, labels in any case', () => {
  ascending('NuGet', '1.0.0-alpha', '1.0.0-alpha.1', '1.0.0-Alpha.2', '1.0.0-alpha.beta', '1.0.0-BETA', '1.0.0-beta.2', '1.0.0-beta.11', '1.0.0-rc.1', '1.0.0', '1.0.0.1', '1.0.1', '1.0.1.2', '1.0.10', '4.7.0.9');
  equal('NuGet', '1.0', '1', '1.0.0', '1.0.0.0', '01.0', '1.0.0+sha.5', 'v1.0.0');
  equal('NuGet', '1.0.1-RC.1', '1.0.1-rc.1', '1.0.1.0-Rc.1');
});
orders('RubyGems: the examples and tests of Gem::Version', () => {
  ascending('RubyGems', '0.9', '1.0.a.2', '1.0.b1', '1.0', '1.0.1', '1.1', '1.9.3', '1.10');
  ascending('RubyGems', '1.0.a9', '1.0.a10');
  ascending('RubyGems', '1.8.2.a', '1.8.2.a9', '1.8.2.a10', '1.8.2.b', '1.8.2');
  ascending('RubyGems', '5.0.0.rc1', '5.0.0.rc2', '5.0.0', '5.0.0.1');
  ascending('RubyGems', '1.9.3.alpha.5', '1.9.3', '1.9.3.1');
  ascending('RubyGems', '1-1', '1'); // a hyphen is `.pre.`
  equal('RubyGems', '1.0', '1', '1.0.0', '01');
  equal('RubyGems', '1.a', '1.0.a', '1.0.0.a');
  equal('RubyGems', '1.0-a', '1.pre.a');
  ascending('RubyGems', '1.a.0.b', '1.a', '1.a.0.0.1', '1.a.0.1', '1.a.1');
});
orders('Packagist: as Composer normalises, in the order of PHP', () => {
  ascending('Packagist', '1.0.0-dev', '1.0.0-alpha', '1.0.0-alpha1', '1.0.0-alpha.2', '1.0.0-beta1', '1.0.0-beta10', '1.0.0-RC1-dev', '1.0.0-RC1', '1.0.0', '1.0.0-patch1', '1.0.0.1', '1.0.1');
  ascending('Packagist', '1.2.9', '1.2.x-dev', '1.3.0-dev', '1.3.0', '1.x-dev', '2.0.0-dev', '2.0.0');
  ascending('Packagist', '99.0.0', '20200101', '20210101');
  equal('Packagist', '1.0.0', 'v1.0.0', '1', '1.0', '1.0.0.0', '1.0.0-stable', '1.0.0+meta', '1.0.0@stable', '01.0.0');
  equal('Packagist', '1.0.0-RC1', '1.0.0rc1', '1.0.0.RC.1', '1.0.0_rc-1', 'v1.0.0-rc1');
  equal('Packagist', '1.0.0-p1', '1.0.0-pl1', '1.0.0-patch1', '1.0-PATCH.1');
  equal('Packagist', '1.x-dev', '1.*-dev', '1.x.x-dev', '1.X-dev', '1.x-dev as 1.0.0');
  equal('Packagist', '2010-01-02', '2010-01.02', '2010:01:02');
  none('Packagist', 'dev-main', 'dev-master', 'master', 'dev-1.0', 'dev-main#abcdef', 'feature-dev', 'DEV-x');
});
orders('Conan: zeros at the end, pre-releases, builds, letters behind numbers', () => {
  ascending('ConanCenter', '1', '1.1', '1.2.3', '1.2.10', '1.10', '2-alpha', '2-alpha.1', '2', '2+1', '2+2', 'cci.20200101', 'cci.20210101');
  ascending('ConanCenter', '1.1.1', '1.1.1a', '1.1.1s', '1.1.1t', '1.1.2', '3.0.0');
  ascending('ConanCenter', '1.2-pre', '1.2-pre+1', '1.2', '1.2+1');
  ascending('ConanCenter', '1a', '9', '9a', '10', '10a');
  circle('ConanCenter', '9', '10', '1a');
  equal('ConanCenter', '1.0', '1', '1.0.0', '1.00');
});
orders('R, Haskell and GHC: lists of numbers', () => {
  for (const ecosystem of ['CRAN', 'Bioconductor']) {
    ascending(ecosystem, '0.9', '1', '1.0', '1.0.0', '1.0-1', '1.2', '1.2.4', '1.10');
    equal(ecosystem, '1.2-3', '1.2.3');
  }
  ascending('Hackage', '1', '1.0', '1.0.0', '1.0.1', '1.1', '1.10', '2');
  ascending('GHC', '6.10.2-rc1', '6.10.2', '9.4.1-alpha1', '9.4.1-alpha2', '9.4.1-rc1', '9.4.1', '9.4.1.20220623', '9.10.1');
});
orders('what is no version has no key', () => {
  const tables: readonly (readonly [string, readonly string[]])[] = [
    ['npm', ['latest', '1.2.3.4', '', '1.2.3-', '1.2.3-a..b', `${'9'.repeat(300)}.0.0`, 'x'.repeat(1000)]],
    ['PyPI', ['2012-01-01', 'dev', '1.0+', '1.0.x']], ['Go', ['(devel)', 'master']], ['Maven', ['', ' ', '1 0', 'é']], ['Pub', ['1.0.0+', '1.0.0+a..b']],
    ['NuGet', ['1.2.3.4.5', '1.0-', '[1.0,2.0)']], ['RubyGems', ['1.0_1', 'junk', '1..2', '1.15.4-x86_64-linux', '']], ['Packagist', ['1.0.0-foo', '1.0.0.0.0', 'a', '1.0 .2']],
    ['GitHub Actions', ['main', 'de0fac2e4500dabe0009e67214ff5f5447ce83dd', 'releases/v1']], ['ConanCenter', ['-1', '[>=1.0]', '1 2']], ['CRAN', ['1.', '1.0a']], ['Hackage', ['1-1', 'x']], ['GHC', ['9.4-pre1', '-rc1']],
    ['Unheard Of', ['1.0']], ['Android:12', ['12']], ['constructor', ['1']], ['__proto__', ['1']],
  ];
  for (const [ecosystem, versions] of tables) none(ecosystem, ...versions);
  assert.is(versionKey(null, '1.0.0'), null);
});
