/** Licences found by their texts, and the files in which they are looked for. */
import * as assert from 'uvu/assert';
import list from 'spdx-license-list/spdx-full.json' with { type: 'json' };
import type { DetectedComponent } from '../../src/core/component.ts';
import { findLicenses, isLicenseFile } from '../../src/scan/license-files.ts';
import { licensesInText, spdxTags } from '../../src/scan/license-texts.ts';
import { locked } from '../../src/scan/lockfiles/lock-file.ts';
import { suite } from '../support/suite.ts';

const texts = new Map(Object.entries<{ licenseText: string }>(list).map(([id, { licenseText }]) => [id, licenseText]));
const textOf = (id: string): string => texts.get(id) ?? '';
/** As people copy it: their own name, other line ends, indented. */
const copied = (text: string): string =>
  `Copyright (c) 2019-2024 Jane Doe <jane@example.org>\nAll rights reserved.\n\n${text.replaceAll(/^.*copyright \(c\).*$/gim, 'Copyright (C) 2021 Some Other Company Ltd').replaceAll('<year>', '2020').replaceAll(/<(?:copyright holders?|owner)>/gi, 'ACME Corp').replaceAll('\n', '\r\n   ')}`;
/** What a text alone cannot tell apart: `-only`, `-or-later` and deprecated ids, variants of GFDL and OFL. */
const family = (id: string | undefined): string => (id ?? 'none').replace(/-(?:only|or-later)$|\+$/, '').replace(/-(?:no-)?invariants$/, '').replace(/-(?:no-)?RFN$/, '');
/** Deprecated ids of a licence with its exception: the texts are those of a notice. */
const isNotice = (id: string): boolean => /-with-|^(?:eCos-2\.0|wxWindows|bzip2-1\.0\.5|BSD-2-Clause-FreeBSD)$/.test(id);

const matcher = suite('licensesInText');
matcher('finds each of the SPDX list by its text with other owners, but for a few of the very short ones', () => {
  const missed = [...texts].filter(([id, text]) => !isNotice(id) && family(licensesInText(copied(text))[0]) !== family(id)).map(([id]) => id);
  console.log(`missed of ${texts.size}: ${missed.join(', ')}`);
  assert.ok(missed.length <= 11, missed.join());
  const common = ['MIT', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MPL-2.0', 'GPL-2.0-only', 'GPL-3.0-only', 'LGPL-2.1-only', 'LGPL-3.0-only', 'AGPL-3.0-only', 'EPL-2.0', 'CDDL-1.0', 'Unlicense', '0BSD', 'Zlib', 'BSL-1.0', 'CC0-1.0', 'CC-BY-4.0', 'Python-2.0'];
  assert.equal(common.filter((id) => licensesInText(copied(textOf(id)))[0] !== id), []);
});
matcher('finds each licence of a file that holds several, and those without their appendix', () => {
  assert.equal(licensesInText(`${textOf('MIT')}\n\n${textOf('Apache-2.0')}\n\n${textOf('BSD-3-Clause')}`).toSorted(), ['Apache-2.0', 'BSD-3-Clause', 'MIT']);
  assert.equal(licensesInText(textOf('Apache-2.0').split('END OF TERMS')[0] ?? ''), ['Apache-2.0']);
  assert.equal(licensesInText(textOf('GPL-2.0-only').split('END OF TERMS')[0] ?? ''), ['GPL-2.0-only']);
});
matcher('finds nothing in prose, code and noise', () => {
  for (const text of [
    '', ' ', 'MIT', 'This package is under the MIT License. See the file for details. Permission is granted, free of charge, to any person.', '\u0000'.repeat(1000),
    Array.from({ length: 5000 }, (_, index) => `word${index * 7919 % 104729}`).join(' '), 'the of and to a in that is '.repeat(5000), 'const license = require("license");\n'.repeat(100),
  ]) assert.equal(licensesInText(text), [], text.slice(0, 40));
});
matcher('takes linear time for hostile text', () => {
  const started = performance.now();
  for (const text of ['\n'.repeat(2_000_000), ' '.repeat(2_000_000), '# * '.repeat(500_000), 'copyright '.repeat(200_000), '(c)'.repeat(500_000), 'SPDX-License-Identifier: '.repeat(50_000)]) {
    licensesInText(text);
    spdxTags(text);
  }
  assert.ok(performance.now() - started < 10_000);
});
matcher('reads SPDX tags without the ends of comments', () => {
  assert.equal(spdxTags('/* SPDX-License-Identifier: MIT OR Apache-2.0 */\n// SPDX-License-Identifier: ISC\n<!-- SPDX-License-Identifier: MIT -->\n'), ['MIT OR Apache-2.0', 'ISC', 'MIT']);
});

const files = suite('isLicenseFile');
for (const path of ['LICENSE', 'a/License.md', 'LICENCE.txt', 'COPYING.LESSER', 'LICENSE-MIT', 'LICENSE.APACHE2', 'UNLICENSE', 'mit-license.txt', 'LICENSES/GPL-3.0-or-later.txt', 'node_modules/a/LICENSE']) files(`'${path}' is one`, () => assert.ok(isLicenseFile(path)));
for (const path of ['license.js', 'src/licenses/list.ts', 'license-checker.json', 'README.md', '.git/LICENSE', 'LICENSES/a/b.txt', 'mylicense']) files(`'${path}' is none`, () => assert.not(isLicenseFile(path)));

const finder = suite('findLicenses');
const component = (type: 'npm' | 'golang' | 'composer' | 'pypi', namespace: string | null, name: string, version: string): DetectedComponent =>
  locked({ type, namespace, name, version, direct: true, scope: 'required', hashes: {}, dependsOn: [], path: 'lock' });
const file = (path: string, text: string) => ({ path, data: Buffer.from(text) });
finder('gives files to the source or to the package whose folder they are in', () => {
  const components = [component('npm', null, 'a', '1.0.0'), component('npm', '@s', 'b', '1.0.0'), component('npm', null, 'twice', '1.0.0'), component('npm', null, 'twice', '2.0.0'), component('golang', 'github.com/x', 'y', 'v1.0.0'), component('composer', 'acme', 'pkg', '1.0.0'), component('pypi', null, 'my-lib', '2.0')];
  const { own, components: found } = findLicenses([
    file('repo-main/LICENSE-MIT', textOf('MIT')), file('repo-main/LICENSE-APACHE', textOf('Apache-2.0')), file('repo-main/docs/LICENSE', textOf('GPL-3.0-only')),
    file('repo-main/node_modules/a/LICENSE', textOf('ISC')), file('repo-main/node_modules/@s/b/COPYING', 'SPDX-License-Identifier: MIT OR ISC'), file('repo-main/node_modules/twice/LICENSE', textOf('MIT')),
    file('repo-main/node_modules/a/node_modules/unknown/LICENSE', textOf('MIT')), file('repo-main/vendor/github.com/x/y/LICENSE', textOf('BSD-3-Clause')), file('repo-main/vendor/acme/pkg/LICENSE.md', textOf('MIT')),
    file('repo-main/venv/my_lib-2.0.dist-info/licenses/LICENSE', textOf('MPL-2.0')),
  ], components);
  assert.equal(own, { expression: 'Apache-2.0 AND MIT', path: 'repo-main/LICENSE-MIT' });
  assert.equal([...found].map(([purl, { expression }]) => [purl, expression]).toSorted(), [
    ['pkg:composer/acme/pkg@1.0.0', 'MIT'], ['pkg:golang/github.com/x/y@v1.0.0', 'BSD-3-Clause'], ['pkg:npm/%40s/b@1.0.0', 'MIT OR ISC'], ['pkg:npm/a@1.0.0', 'ISC'], ['pkg:pypi/my-lib@2.0', 'MPL-2.0'],
  ]);
});
