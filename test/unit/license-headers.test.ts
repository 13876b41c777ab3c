/** SPDX tags at the head of source files: whose count, how much is read, and how they join what licence files say. */
import * as assert from 'uvu/assert';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ARCHIVE_LIMITS, ArchiveError } from '../../src/scan/archive-bounds.ts';
import { detectArchive } from '../../src/scan/detect.ts';
import { isOwnSource, LicenseHeaders } from '../../src/scan/license-headers.ts';
import { tarGz } from '../support/fixtures.ts';
import { atEnd, suite } from '../support/suite.ts';
import { zipOf } from '../support/zip.ts';

const folder = await mkdtemp(path.join(tmpdir(), 'sca-portal-headers-'));
atEnd(() => rm(folder, { recursive: true, force: true }));
let files = 0;
async function ownOf(content: Record<string, string>, kind: 'zip' | 'tar.gz', limits = ARCHIVE_LIMITS): Promise<unknown> {
  const file = path.join(folder, `${files += 1}`);
  await writeFile(file, kind === 'zip' ? zipOf(Object.entries(content).map(([name, text]) => ({ name, content: text }))) : await tarGz(content));
  return (await detectArchive(file, kind, limits)).ownLicense;
}
const tag = (expression: string): string => `// SPDX-License-Identifier: ${expression}\nint main() {}\n`;

const test = suite('licence headers');
for (const kind of ['zip', 'tar.gz'] as const) {
  test(`of the product's own sources count, those of others do not, in ${kind}`, async () => {
    assert.equal(await ownOf({ 'src/a.c': tag('BSD-2-Clause'), 'src/b.GO': tag('MIT OR Apache-2.0'), 'vendor/x/c.c': tag('GPL-3.0-only'), 'third_party/y/d.c': tag('GPL-2.0-only'), 'web/node_modules/z/e.js': tag('ISC'), 'README.md': tag('Zlib'), 'data.json': tag('Zlib') }, kind),
      { expression: 'BSD-2-Clause AND (MIT OR Apache-2.0)', path: 'src/a.c' });
    assert.is(await ownOf({ 'src/a.c': 'int main() {}\n' }, kind), null);
    assert.equal(await ownOf({ LICENSE: 'SPDX-License-Identifier: Apache-2.0\n', 'src/a.c': tag('Apache-2.0'), 'src/b.c': tag('MIT') }, kind), { expression: 'Apache-2.0 AND MIT', path: 'LICENSE' });
  });
  test(`stand in the first 4 KiB, and a large file is neither held nor refused, in ${kind}`, async () => {
    assert.is(await ownOf({ 'src/late.c': `${' '.repeat(5000)}${tag('MIT')}` }, kind), null);
    const limits = { ...ARCHIVE_LIMITS, fileBytes: 10_000, wantedBytes: 10_000, ratio: 1e9 };
    assert.equal(await ownOf({ 'src/large.c': `${tag('MIT')}${'x'.repeat(200_000)}`, 'src/other.c': tag('MIT') }, kind, limits), { expression: 'MIT', path: 'src/large.c' });
    const error = await ownOf({ 'go.mod': 'x'.repeat(20_000) }, kind, limits).catch((reason: unknown) => reason);
    assert.ok(error instanceof ArchiveError, 'what is read whole still is');
  });
}
test('are bounded in number, and a file that says many things adds each once', () => {
  const headers = new LicenseHeaders();
  for (let place = 0; place < 60_000; place += 1) if (headers.wants(`src/${place}.c`)) headers.add(`src/${place}.c`, tag(`LicenseRef-${place % 1000}`));
  assert.not.ok(headers.wants('src/one-more.c'));
  assert.is(headers.joinedWith(null)?.expression.split(' AND ').length, 50);
  assert.equal([isOwnSource('a/b.rs'), isOwnSource('a/b.lock'), isOwnSource('.git/hooks/x.sh'), isOwnSource('Third-Party/x.c')], [true, false, false, false]);
});
