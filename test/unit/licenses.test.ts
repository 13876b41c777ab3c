/** SPDX expressions, names that stand for licences, and the tiers of the built-in catalogue. */
import * as assert from 'uvu/assert';
import { licenseInfo, tierOf } from '../../src/domain/licenses/catalogue.ts';
import { classOf } from '../../src/domain/licenses/classes.ts';
import { formatExpression, licenseIds, parseExpression, type Expression } from '../../src/domain/licenses/expression.ts';
import { normalise } from '../../src/domain/licenses/normalise.ts';
import { allSpdxLicenses } from '../../src/domain/licenses/spdx-list.ts';
import { suite } from '../support/suite.ts';

const format = (text: string): string => {
  const parsed = parseExpression(text);
  return parsed.ok ? formatExpression(parsed.tree) : `${parsed.message} @${parsed.position}`;
};

const expressions = suite('parseExpression');
for (const [text, canonical] of [
  ['MIT', 'MIT'],
  ['MIT or Apache-2.0', 'MIT OR Apache-2.0'],
  ['MIT OR Apache-2.0 AND ISC', 'MIT OR Apache-2.0 AND ISC'],
  ['(MIT OR Apache-2.0) AND ISC', '(MIT OR Apache-2.0) AND ISC'],
  ['((MIT))', 'MIT'],
  ['MIT AND (ISC AND Zlib)', 'MIT AND ISC AND Zlib'],
  ['GPL-2.0-only WITH Classpath-exception-2.0', 'GPL-2.0-only WITH Classpath-exception-2.0'],
  ['GPL-2.0+', 'GPL-2.0+'],
  ['DocumentRef-spdx-1:LicenseRef-a.b', 'DocumentRef-spdx-1:LicenseRef-a.b'],
] as const) {
  expressions(`'${text}' reads as '${canonical}'`, () => assert.is(format(text), canonical));
}
for (const [text, fault] of [
  ['', 'ends where a licence should be @0'],
  ['MIT OR', 'ends where a licence should be @6'],
  ['MIT MIT', "has 'MIT' where an operator or the end should be @4"],
  ['(MIT', 'lacks a closing parenthesis @4'],
  ['MIT)', "has ')' where an operator or the end should be @3"],
  ['MIT WITH', 'lacks an exception after WITH @8'],
  ['AND MIT', "has 'AND' where a licence should be @0"],
  ['MIT/X11', "has the character '/' @3"],
  [`${'('.repeat(65)}MIT${')'.repeat(65)}`, 'is nested deeper than 64 levels @64'],
  ['M'.repeat(4097), 'is longer than 4096 characters @4096'],
] as const) {
  expressions(`'${text.slice(0, 20)}' is refused with its place`, () => assert.is(format(text), fault));
}
/** From the grammar of the SPDX specification, annex on licence expressions: simple and compound expressions, precedence, and what its idstring does not allow. */
for (const [text, tree] of [
  ['MIT', 'MIT'], ['GPL-2.0-only+', 'GPL-2.0-only+'], ['LicenseRef-23', 'LicenseRef-23'], ['LicenseRef-MIT-Style-1', 'LicenseRef-MIT-Style-1'],
  ['DocumentRef-spdx-tool-1.2:LicenseRef-MIT-Style-2', 'DocumentRef-spdx-tool-1.2:LicenseRef-MIT-Style-2'], ['LGPL-2.1-only OR BSD-3-Clause AND MIT', 'LGPL-2.1-only OR [BSD-3-Clause AND MIT]'],
  ['LGPL-2.1-only OR MIT OR BSD-3-Clause', 'LGPL-2.1-only OR MIT OR BSD-3-Clause'], ['MIT AND (LGPL-2.1-or-later OR BSD-3-Clause)', 'MIT AND [LGPL-2.1-or-later OR BSD-3-Clause]'],
  ['GPL-2.0-or-later WITH Bison-exception-2.2', '[GPL-2.0-or-later WITH Bison-exception-2.2]'], ['MIT AND GPL-2.0-or-later WITH Bison-exception-2.2 OR ISC', '[MIT AND [GPL-2.0-or-later WITH Bison-exception-2.2]] OR ISC'],
  ['(LicenseRef-1 WITH Bison-exception-2.2)', '[LicenseRef-1 WITH Bison-exception-2.2]'], ['mit and isc', 'mit AND isc'], ['MIT And ISC oR Zlib wITh Autoconf-exception-2.0', '[MIT AND ISC] OR [Zlib WITH Autoconf-exception-2.0]'],
  ['(MIT)AND(ISC)', 'MIT AND ISC'], ['  MIT\n\tAND  ISC ', 'MIT AND ISC'],
] as const) {
  expressions(`'${text.trim()}' is understood as ${tree}`, () => {
    const parsed = parseExpression(text);
    const show = (node: Expression): string => (node.kind === 'with' ? `[${formatExpression(node)}]` : node.kind === 'and' || node.kind === 'or' ? node.parts.map((part) => (part.kind === 'and' || part.kind === 'or' ? `[${show(part)}]` : show(part))).join(` ${node.kind.toUpperCase()} `) : formatExpression(node));
    assert.is(parsed.ok && show(parsed.tree), tree);
  });
}
for (const text of ['MIT WITH WITH', 'MIT OR OR ISC', 'OR', '()', 'MIT ()', 'MIT (ISC)', 'LicenseRef-', 'DocumentRef-a', 'DocumentRef-:LicenseRef-a', 'DocumentRef-a:MIT', 'LicenseRef-a b', 'MIT++', 'MIT +', '+', 'MIT AND (ISC OR)', 'MIT WITH (ISC)', 'LicenseRef-a_b', 'MIT & ISC', 'MIT,ISC', 'a\u0000b', 'МIT', '(MIT OR ISC) WITH Classpath-exception-2.0', 'MIT WITH Classpath-exception-2.0+']) {
  expressions(`'${text}' is none`, () => assert.is(parseExpression(text).ok, false));
}
expressions('a hundred operators nested in one another read back as they were', () => {
  const flat = Array.from({ length: 100 }, (_, index) => `LicenseRef-${index} ${index % 2 === 0 ? 'AND' : 'OR'}`).join(' ');
  const nested = Array.from({ length: 50 }).reduce<string>((inner, _, index) => `LicenseRef-${index} ${index % 2 === 0 ? 'AND' : 'OR'} (${inner})`, 'MIT AND ISC');
  for (const text of [`${flat} MIT`, nested]) assert.is(format(format(text)), format(text));
  assert.is((format(nested).match(/ (?:AND|OR) /g) ?? []).length, 51);
});
expressions('a hundred operators are no trouble', () => {
  const text = Array.from({ length: 101 }, (_, index) => `LicenseRef-${index}`).join(' AND ');
  assert.is(format(text), text);
});
expressions('licenceIds names each licence once', () => {
  const parsed = parseExpression('(MIT OR GPL-2.0+ WITH Classpath-exception-2.0) AND MIT');
  assert.equal(parsed.ok && licenseIds(parsed.tree), ['MIT', 'GPL-2.0+']);
});

const names = suite('normalise');
for (const [declared, expression] of [
  ['MIT', 'MIT'],
  ['mit', 'MIT'],
  ['Apache 2', 'Apache-2.0'],
  ['The Apache Software License, Version 2.0', 'Apache-2.0'],
  ['Apache License 2.0', 'Apache-2.0'],
  ['ALv2', 'Apache-2.0'],
  ['http://www.apache.org/licenses/LICENSE-2.0.txt', 'Apache-2.0'],
  ['MIT/X11', 'MIT'],
  ['BSD licence', 'BSD-3-Clause'],
  ['Eclipse Distribution License - v 1.0', 'BSD-3-Clause'],
  ['GPL-2.0', 'GPL-2.0-only'],
  ['GPL-2.0+', 'GPL-2.0-or-later'],
  ['GPL-2.0-with-classpath-exception', 'GPL-2.0-only WITH Classpath-exception-2.0'],
  ['GNU General Public License, Version 2 with the Classpath Exception', 'GPL-2.0-only WITH Classpath-exception-2.0'],
  ['Lesser General Public License, version 3 or greater', 'LGPL-3.0-or-later'],
  ['LicenseRef-CDDL-GPL', 'CDDL-1.1 OR GPL-2.0-only WITH Classpath-exception-2.0'],
  ['MPL 2.0 or EPL 1.0', 'MPL-2.0 OR EPL-1.0'],
  ['Apache License Version 2.0 and Common Development And Distribution License (CDDL) Version 1.0', 'Apache-2.0 AND CDDL-1.0'],
  ['MIT AND MIT', 'MIT'],
  ['(mit or apache-2.0) AND ISC', '(MIT OR Apache-2.0) AND ISC'],
  ['Some Company EULA (2019)', 'LicenseRef-Some-Company-EULA-2019'],
  ['SEE LICENSE IN LICENSE.md', 'LicenseRef-SEE-LICENSE-IN-LICENSE.md'],
  ['LicenseRef-acme', 'LicenseRef-acme'],
  ['GPL (>= 2)', 'GPL-2.0-or-later'],
  ['GPL-2 | GPL-3', 'GPL-2.0-only OR GPL-3.0-only'],
  ['MIT + file LICENSE', 'MIT'],
  ['MIT/Apache-2.0', 'MIT OR Apache-2.0'],
  ['MIT, Apache-2.0', 'MIT AND Apache-2.0'],
  ['Microsoft Public License', 'MS-PL'],
  ['CC BY 4.0', 'CC-BY-4.0'],
  ['EUPL 1.2', 'EUPL-1.2'],
  ['https://spdx.org/licenses/GPL-2.0.html', 'GPL-2.0-only'],
  ['https://opensource.org/license/bsd-3-clause', 'BSD-3-Clause'],
  ['https://creativecommons.org/licenses/by-sa/4.0/', 'CC-BY-SA-4.0'],
  ['https://licenses.nuget.org/MIT', 'MIT'],
  ['https://www.mozilla.org/en-US/MPL/2.0/', 'MPL-2.0'],
  ['https://example.com/terms', 'LicenseRef-https-example.com-terms'],
  ['UNLICENSED', 'LicenseRef-UNLICENSED'],
  ['DocumentRef-other:LicenseRef-MIT', 'DocumentRef-other:LicenseRef-MIT'],
  ['NOASSERTION', null],
  ['  ', null],
] as const) {
  names(`'${declared}' is ${expression ?? 'no statement'}`, () => assert.is(normalise(declared), expression));
}
names('every id of the SPDX list stays an expression that reads back as itself', () => {
  for (const { id } of allSpdxLicenses()) {
    const expression = normalise(id);
    assert.ok(expression !== null && !/^LicenseRef-(?!Net-SNMP)/.test(expression), `${id} became ${expression}`);
    assert.is(normalise(expression), expression, id);
  }
});
names('hostile texts take no time', () => {
  const started = performance.now();
  for (const text of ['MIT,'.repeat(50_000), 'MIT or '.repeat(50_000), '(>= 1 '.repeat(20_000), ' '.repeat(100_000), `GPL (>=${' '.repeat(50_000)}`, '>='.repeat(50_000)]) normalise(text);
  assert.ok(performance.now() - started < 2_000);
});
names('garbage becomes a reference that is an expression', () => {
  for (const garbage of ['(((', '%%%', '👩‍🚀', 'x'.repeat(10_000), '+', 'AND', 'A AND', '\u0000']) {
    const expression = normalise(garbage);
    assert.ok(expression !== null && parseExpression(expression).ok, garbage.slice(0, 10));
  }
});

const classes = suite('classOf');
classes('every licence of the SPDX list has a class', () => {
  assert.equal(allSpdxLicenses().filter(({ id }) => classOf(id.replace(/\+$/, '')) === undefined), []);
  assert.is(classOf('No-Such-License'), undefined);
});
classes('what OSI has approved is not restricted, and NC is', () => {
  assert.equal(allSpdxLicenses().filter(({ id, osiApproved }) => osiApproved && ['restricted', 'non_commercial', 'no_derivatives'].includes(classOf(id) ?? '')), []);
  assert.equal(allSpdxLicenses().filter(({ id }) => /^CC-BY-NC/.test(id) && classOf(id) !== 'non_commercial'), []);
});

const tiers = suite('tierOf');
for (const [expression, tier] of [
  ['MIT', 'allowed'],
  ['LGPL-2.1-only', 'conditional'],
  ['MPL-2.0', 'conditional'],
  ['GPL-3.0-or-later', 'forbidden'],
  ['AGPL-3.0-only', 'forbidden'],
  ['SSPL-1.0', 'forbidden'],
  ['BUSL-1.1', 'forbidden'],
  ['LicenseRef-acme', 'unknown'],
  ['LicenseRef-Public-Domain', 'allowed'],
  ['MIT OR GPL-3.0-only', 'allowed'],
  ['MIT AND GPL-3.0-only', 'forbidden'],
  ['MIT AND LicenseRef-acme', 'unknown'],
  ['LicenseRef-acme AND GPL-3.0-only', 'forbidden'],
  ['LicenseRef-acme OR MIT', 'allowed'],
  ['LicenseRef-acme OR GPL-3.0-only', 'unknown'],
  ['(MIT OR GPL-3.0-only) AND LGPL-2.1-only', 'conditional'],
  ['GPL-2.0-only WITH Classpath-exception-2.0', 'conditional'],
  ['GPL-2.0-only WITH Some-other-exception', 'forbidden'],
  ['(((', 'unknown'],
] as const) {
  tiers(`${expression} is ${tier}`, () => assert.is(tierOf(expression).tier, tier));
}
tiers('says which part decided', () => assert.is(tierOf('MIT AND AGPL-3.0-only').reason, 'AGPL-3.0-only: copyleft that reaches users over a network'));
tiers('licenceInfo knows names, approval and deprecation', () => {
  const { name, osiApproved, deprecated, referenceUrl } = licenseInfo('Apache-2.0');
  assert.equal([name, osiApproved, deprecated, referenceUrl], ['Apache License 2.0', true, false, 'https://spdx.org/licenses/Apache-2.0.html']);
  assert.is(licenseInfo('GPL-2.0').deprecated, true);
  assert.is(licenseInfo('LicenseRef-acme-eula').name, 'acme eula');
});
