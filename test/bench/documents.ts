/**
 * Documents of a project with 10,000 components and of one with 2,000: time to the first byte and to the last, and the memory that it takes.
 * `sh scripts/node.sh test/bench/documents.ts`
 */
import { cycloneDx, sbomForm } from '../support/fixtures.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const LICENSES = ['MIT', 'Apache-2.0', 'ISC', 'BSD-3-Clause', 'MPL-2.0', 'LGPL-2.1-only', 'GPL-3.0-only OR MIT', 'Zlib'];
const ROUNDS = 10;
const { portal, admin } = await startTestPortal();

async function project(count: number): Promise<string> {
  const id = await newProject(admin);
  const parts = Array.from({ length: count }, (_, index) => ({ purl: `pkg:npm/package-${index}@1.${index % 50}.0`, license: LICENSES[index % LICENSES.length] ?? 'MIT', dependsOn: index + 1 < count ? [`pkg:npm/package-${index + 1}@1.${(index + 1) % 50}.0`] : [] }));
  await scanToEnd(admin, id, sbomForm(cycloneDx(parts)));
  return id;
}

async function measure(name: string, path: string): Promise<void> {
  const [first, total]: [number[], number[]] = [[], []];
  let bytes = 0;
  const memory: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = performance.now();
    const answer = await fetch(portal.url + path, { headers: { Authorization: `Bearer ${admin.token ?? ''}` } });
    const body: ReadableStream<Uint8Array> = answer.body ?? new ReadableStream();
    bytes = 0;
    for await (const chunk of body) {
      if (bytes === 0) first.push(performance.now() - start);
      bytes += chunk.length;
    }
    total.push(performance.now() - start);
    memory.push(process.memoryUsage().rss / 1024 / 1024);
  }
  const median = (times: number[]): string => (times.toSorted((a, b) => a - b)[ROUNDS / 2] ?? 0).toFixed(0);
  console.log(`| ${name} | ${Math.round(bytes / 1024)} KiB | ${median(first)} | ${median(total)} | ${(memory[0] ?? 0).toFixed(0)} to ${(memory.at(-1) ?? 0).toFixed(0)} |`);
}

async function bench(): Promise<void> {
  const [large, small] = [await project(10_000), await project(2_000)];
  await measure('list of 50 components (baseline)', `/v1/projects/${large}/components`);
  for (const format of ['cyclonedx-json', 'cyclonedx-xml', 'spdx-json', 'spdx-tv']) await measure(`SBOM of 10,000, ${format}`, `/v1/projects/${large}/sbom?format=${format}`);
  await measure('signature of the first', `/v1/projects/${large}/sbom/signature`);
  for (const format of ['text', 'markdown', 'html']) await measure(`NOTICE of 2,000, ${format}`, `/v1/projects/${small}/notice?format=${format}`);
  await measure('report of 10,000', `/v1/projects/${large}/report`);
}

suite('documents')('bench', bench, { timeoutMs: 300_000 });
