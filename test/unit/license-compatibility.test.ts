/** Which licences clash in one product, by how it reaches its users. */
import * as assert from 'uvu/assert';
import { bindingTerms, type Term } from '../../src/domain/licenses/catalogue.ts';
import { clashBetween, clashWithProduct } from '../../src/domain/licenses/compatibility.ts';
import { suite } from '../support/suite.ts';

const term = (text: string): Term => bindingTerms(text)[0] ?? { license: text, exception: null };
const test = suite('clashBetween');
for (const [a, b, expected] of [
  ['GPL-2.0-only', 'Apache-2.0', 'clash'], ['GPL-2.0-or-later', 'Apache-2.0', null], ['GPL-3.0-only', 'Apache-2.0', null], ['AGPL-3.0-only', 'Apache-2.0', null],
  ['GPL-2.0-only', 'GPL-3.0-only', 'clash'], ['GPL-2.0-only', 'GPL-3.0-or-later', 'clash'], ['GPL-2.0-or-later', 'GPL-3.0-only', null], ['GPL-2.0-only', 'LGPL-3.0-only', 'clash'], ['GPL-2.0-only', 'AGPL-3.0-only', 'clash'],
  ['GPL-2.0-only', 'LGPL-2.1-only', null], ['GPL-2.0-only', 'GPL-2.0-or-later', null], ['GPL-3.0-only', 'AGPL-3.0-only', null], ['GPL-2.0-only', 'MIT', null], ['GPL-2.0-only', 'BSD-3-Clause', null], ['GPL-2.0-only', 'MPL-2.0', null],
  ['GPL-3.0-only', 'BSD-4-Clause', 'clash'], ['GPL-3.0-only', 'CDDL-1.0', 'clash'], ['GPL-2.0-only', 'EPL-2.0', 'clash'], ['GPL-3.0-only', 'OpenSSL', 'clash'], ['GPL-3.0-only', 'CC-BY-NC-4.0', 'clash'], ['AGPL-3.0-only', 'BUSL-1.1', 'clash'],
  ['GPL-2.0-only WITH Classpath-exception-2.0', 'Apache-2.0', null], ['LGPL-2.1-only', 'Apache-2.0', null], ['MPL-2.0', 'CDDL-1.0', null], ['Apache-2.0', 'MIT', null], ['GPL-3.0-only', 'LicenseRef-acme', null],
] as const) {
  test(`${a} and ${b}: ${expected ?? 'no clash'}, whichever comes first`, () => {
    assert.equal([clashBetween(term(a), term(b), 'distributed') === null, clashBetween(term(b), term(a), 'distributed') === null], [expected === null, expected === null]);
  });
}
test('a service has clashes of what reaches users over a network alone, internal use has none', () => {
  const clashes = (a: string, b: string) => (['distributed', 'saas', 'internal'] as const).map((distribution) => clashBetween(term(a), term(b), distribution) !== null);
  assert.equal([clashes('GPL-2.0-only', 'Apache-2.0'), clashes('AGPL-3.0-only', 'CDDL-1.0')], [[true, false, false], [true, true, false]]);
});
test('a licence of one\'s own making does not go with copyleft for the whole work', () => {
  const clash = (own: string, component: string) => clashWithProduct(term(own), term(component), 'distributed') !== null;
  assert.equal([clash('LicenseRef-acme', 'GPL-3.0-only'), clash('LicenseRef-acme', 'LGPL-3.0-only'), clash('LicenseRef-Public-Domain', 'GPL-3.0-only'), clash('MIT', 'GPL-3.0-only'), clash('GPL-2.0-only', 'Apache-2.0')], [true, false, false, false, true]);
});
