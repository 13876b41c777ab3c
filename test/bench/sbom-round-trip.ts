/**
 * Every SBOM of a folder in, out as each format, and in again: the same components, versions, licences, hashes, suppliers, scopes and edges?
 * `sh scripts/node.sh test/bench/sbom-round-trip.ts FOLDER`
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { sbomForm } from '../support/fixtures.ts';
import { contentOf } from '../support/sbom-content.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const FOLDER = process.argv[2] ?? '';
const FORMATS = ['cyclonedx-json', 'cyclonedx-xml', 'spdx-json', 'spdx-tv'];

const { admin, database: { db } } = await startTestPortal();

async function check(): Promise<void> {
  for (const file of (await readdir(FOLDER)).filter((name) => /\.(?:json|xml|spdx)$/.test(name)).sort()) {
    const original = await newProject(admin, { name: file });
    await scanToEnd(admin, original, sbomForm(new Uint8Array(await readFile(path.join(FOLDER, file)))));
    const expected = await contentOf(db, original);
    for (const format of FORMATS) {
      const { text } = await admin.expect(200, 'getProjectSbom', { path: { id: original }, query: { format } });
      const copy = await newProject(admin);
      const { status } = await scanToEnd(admin, copy, sbomForm(text));
      const found = await contentOf(db, copy);
      const [present, wanted] = [new Set(found), new Set(expected)];
      const [lost, added] = [expected.filter((line) => !present.has(line)), found.filter((line) => !wanted.has(line))];
      console.log(`${file} ${format}: ${status}, ${expected.length} lines, ${lost.length} lost, ${added.length} added, ${Math.round(text.length / 1024)} KiB`);
      for (const line of lost.slice(0, 3)) console.log(`    - ${line}`);
      for (const line of added.slice(0, 3)) console.log(`    + ${line}`);
    }
  }
}

suite('SBOMs')('round trip', check, { timeoutMs: 600_000 });
