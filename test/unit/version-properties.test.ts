/**
 * Every order on generated versions: keys answer as the ecosystem's own comparison does (test/support/version-comparators.ts), and that
 * is a total order. The alphabets are small, so that many versions are equal or differ late. Seeded; a failure prints the versions.
 */
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { versionKey } from '../../src/advisories/versions/index.ts';
import { suite } from '../support/suite.ts';
import { COMPARATORS } from '../support/version-comparators.ts';

type Versions = fc.Arbitrary<string>;
const SEED = 20_260_101;
const TRIPLES = 10_000;

/** One of the texts. */
const one = (...texts: string[]): Versions => fc.constantFrom(...texts);
const maybe = (part: Versions): Versions => fc.oneof(fc.constant(''), part);
const all = (...parts: Versions[]): Versions => fc.tuple(...parts).map((texts) => texts.join(''));
const joined = (part: Versions, glue: string, minLength: number, maxLength: number): Versions => fc.array(part, { minLength, maxLength }).map((parts) => parts.join(glue));
const some = (part: Versions, maxLength: number): Versions => joined(part, '', 0, maxLength);

const number = one('0', '1', '2', '9', '10', '11', '100', '18446744073709551617');
const small = one('0', '1', '2', '10');
const release = joined(small, '.', 3, 3);
const labels = joined(one('0', '1', '2', '10', 'a', 'ab', 'b', 'A', 'a-b', '1a', 'rc', '-'), '.', 1, 3);
const semver = all(release, maybe(all(one('-'), labels)), maybe(all(one('+'), labels)));
const dpkgRun = one('0', '00', '1', '01', '2', '10', '.', '.', '+', '~', '~~', 'a', 'b', 'Z', 'rc', 'deb');
const dpkg = all(maybe(one('0:', '1:', '2:')), small, some(dpkgRun, 6), maybe(all(one('-'), joined(dpkgRun, '', 1, 4))));
const rpmRun = one('0', '00', '1', '01', '2', '10', '.', '_', '+', '~', '^', 'a', 'b', 'Z', 'rc', 'el');
const rpm = all(maybe(one('0:', '1:')), one('0', '1', 'a'), some(rpmRun, 6), maybe(all(one('-'), joined(rpmRun, '', 1, 4))));
const apk = all(joined(one('0', '00', '1', '01', '2', '010', '10'), '.', 1, 4), maybe(one('a', 'b')), some(all(one('_alpha', '_beta', '_pre', '_rc', '_cvs', '_svn', '_git', '_hg', '_p'), maybe(small)), 2), maybe(one('~0a', '~1')), maybe(one('-r0', '-r1', '-r10')));
// Not text after a dot or a null after a hyphen that go on: there ComparableVersion is no order (see maven.ts and its table test).
const qualifiers = one('alpha', 'beta', 'milestone', 'rc', 'cr', 'snapshot', 'sp', 'a', 'b', 'm', 'jre', 'Foo', 'v');
const counted = one('1', '2', '10');
const mavenTail = fc.oneof(
  all(one('-', '.', ''), fc.oneof(qualifiers, one('ga', 'Final', 'RELEASE'))),
  all(one('-', '.', ''), qualifiers, small),
  all(one('-', ''), qualifiers, one('-', '.'), counted),
  all(one('-', ''), qualifiers, counted, one('-SNAPSHOT', '.1', '-1')),
  all(one('-', '.Final-'), one('1', '2', '10', '1.1', '1-SNAPSHOT', 'redhat-1', 'redhat-2')),
);
const stabilities = one('alpha', 'beta', 'RC', 'a', 'b', 'patch', 'p', 'pl', 'stable');

const GENERATORS: Readonly<Record<string, Versions>> = {
  npm: semver, 'crates.io': semver, Hex: semver, SwiftURL: semver, 'GitHub Actions': semver, Bitnami: semver, Pub: semver, Julia: semver,
  Go: fc.oneof(semver, all(one('v0.0.0-', 'v1.2.3-0.'), one('20200101000000', '20210101000000'), one('-abcdefabcdef', '-0123456789ab')), all(one('go1.', '1.'), small, one('', '.0', '.1', 'rc1', 'rc2', 'rc10', 'beta1'))),
  NuGet: all(joined(number, '.', 1, 4), maybe(all(one('-'), joined(one('0', '1', '10', 'a', 'A', 'beta', 'Beta', 'rc-1'), '.', 1, 3))), maybe(one('+x'))),
  PyPI: all(one('', 'v'), maybe(one('0!', '1!')), joined(small, '.', 1, 4), maybe(all(one('', '.', '-', '_'), one('a', 'b', 'rc', 'c', 'alpha', 'beta', 'pre'), small)), maybe(all(one('.post', '-'), small)), maybe(all(one('.dev'), small)), maybe(one('+abc', '+abc.1', '+1', '+10', '+1.abc', '+ABC-1'))),
  Maven: all(joined(number, '.', 1, 4), maybe(mavenTail)),
  RubyGems: all(number, some(all(one('.'), one('0', '00', '1', '2', '10', 'a', 'b', 'rc1', 'A', 'a0', 'pre')), 5), maybe(one('-1', '-a.0', '-0'))),
  Packagist: fc.oneof(all(one('', 'v'), joined(small, '.', 1, 4), maybe(all(one('-', '.', '_', ''), stabilities, maybe(all(one('', '.', '-'), joined(small, '.', 1, 2))))), maybe(one('-dev'))), one('1.x-dev', '1.0.x-dev', '2.x-dev', '1.10.2.x-dev'), all(one('20200101', '20210101', '2020010112'), maybe(one('-beta1', '-dev')))),
  ConanCenter: all(joined(one('0', '1', '2', '9', '1a', '1t', '2b', '9z', 'cci', 'rel'), '.', 1, 4), maybe(all(one('-'), joined(one('0', '1', '9', 'alpha', 'a-b', 'rc'), '.', 1, 3))), maybe(all(one('+'), joined(one('0', '1', '9', 'x'), '.', 1, 2)))),
  CRAN: all(number, some(all(one('.', '-'), number), 4)),
  Hackage: joined(number, '.', 1, 5),
  GHC: all(joined(small, '.', 1, 4), maybe(all(one('-alpha', '-rc'), maybe(small)))),
  opam: all(one('0', '1', 'v', '~', 'dev'), some(dpkgRun, 6), maybe(all(one('-'), some(dpkgRun, 4)))),
  'Debian:12': dpkg, 'Ubuntu:22.04:LTS': dpkg, 'Red Hat:enterprise_linux:9': rpm, 'AlmaLinux:9': rpm, 'Alpine:v3.19': apk, Wolfi: apk,
};

function key(ecosystem: string, version: string): Buffer {
  const made = versionKey(ecosystem, version);
  if (made === null || made.length === 0) throw new Error(`${ecosystem} ${version} has no key`);
  return made;
}

const properties = suite('version orders');
for (const [ecosystem, versions] of Object.entries(GENERATORS)) {
  properties(`${ecosystem}: ${TRIPLES} triples in the order of their own tool, which is total`, () => {
    const compare = COMPARATORS[ecosystem];
    if (compare === undefined) throw new Error('there is nothing to compare with');
    let different = 0;
    fc.assert(fc.property(versions, versions, versions, (a, b, c) => {
      const [ab, bc, ac] = [compare(a, b), compare(b, c), compare(a, c)];
      const [x, y, z] = [key(ecosystem, a), key(ecosystem, b), key(ecosystem, c)];
      assert.equal([Buffer.compare(x, y), Buffer.compare(y, z), Buffer.compare(x, z)], [ab, bc, ac], `keys of ${a}, ${b}, ${c}`);
      assert.equal([compare(b, a) + 0, compare(a, a) + 0], [-ab + 0, 0], `antisymmetry of ${a}, ${b}`);
      if (ab <= 0 && bc <= 0) assert.is(ac, Math.min(ab, bc), `transitivity of ${a}, ${b}, ${c}`);
      if (ab !== 0) different += 1;
    }), { seed: SEED, numRuns: TRIPLES });
    assert.ok(different > TRIPLES / 2, `only ${different} pairs differ`);
  });
}

properties('no text makes a key throw, take long, or be of another size than bounded', () => {
  const hostile = fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.string({ unit: fc.constantFrom('0', '1', '9', 'a', 'A', 'z', '.', '-', '_', '+', '~', '^', ':', '!', '@', ' ', 'v', '\u0000', '\u00e9'), maxLength: 300 }), fc.tuple(one('1', '1-', '1.0-beta', '1_', '0.', 'a', '1:'), one('0', '.0', '-0', '0a', '.a', '--', '~', '_p', '.1', ' ', '-dev', 'x.'), fc.nat(300), one('', '!', 'x', '\n')).map(([head, body, times, tail]) => head + body.repeat(times) + tail));
  const begin = performance.now();
  fc.assert(fc.property(hostile, (version) => {
    for (const ecosystem of Object.keys(GENERATORS)) assert.ok((versionKey(ecosystem, version)?.length ?? 0) < 2000);
  }), { seed: SEED, numRuns: 5_000 });
  assert.ok(performance.now() - begin < 20_000);
});
