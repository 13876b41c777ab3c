/**
 * Imports: the exports of PyPI and Go for the first time, again, and with one record changed; EPSS scores of 250,000 CVEs; CISA's catalogue.
 * `sh scripts/node.sh test/bench/advisories.ts folder-with-Go.zip-and-PyPI.zip`
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { readZip } from '../../src/advisories/zip.ts';
import { importAdvisories } from '../../src/domain/advisories/import.ts';
import type { ImportReport } from '../../src/domain/advisories/report.ts';
import { startTestPortal } from '../support/portal.ts';
import { suite } from '../support/suite.ts';
import { zipOf } from '../support/zip.ts';

const FOLDER = process.argv[2] ?? '';
const SCORES = 250_000;

const { portal } = await startTestPortal({}, { api: true, worker: false });

async function timed(name: string, location: string): Promise<{ report: ImportReport; seconds: number }> {
  const start = performance.now();
  const report = await importAdvisories(portal.services, location, () => undefined);
  const seconds = (performance.now() - start) / 1000;
  const read = report.records + report.exploited + report.predictions;
  console.log(`${name}: ${seconds.toFixed(2)} s, ${read} read (${Math.round(read / seconds)} a second), ${report.changed} new or changed, ${report.refused} refused, ${report.faults.length} faults`);
  for (const fault of report.faults) console.log(`    ${fault}`);
  return { report, seconds };
}

/** The export with one record changed. */
async function changed(file: string): Promise<Buffer> {
  const entries: { name: string; content: Buffer }[] = [];
  for await (const item of readZip(file, () => true, 64 * 1024 * 1024)) if ('content' in item) entries.push(item);
  const [first] = entries;
  if (first !== undefined) first.content = Buffer.from(JSON.stringify({ ...JSON.parse(String(first.content)), modified: new Date().toISOString() }));
  return zipOf(entries);
}

async function bench(): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sca-portal-bench-'));
  try {
    for (const name of ['PyPI', 'Go']) {
      const file = path.join(FOLDER, `${name}.zip`);
      const first = await timed(`${name}, first`, file);
      const again = await timed(`${name}, again`, file);
      await writeFile(path.join(folder, `${name}.zip`), await changed(file));
      const one = await timed(`${name}, one record changed`, path.join(folder, `${name}.zip`));
      console.log(`${name}: again ${((100 * again.seconds) / first.seconds).toFixed(1)} % of the first, with one change ${((100 * one.seconds) / first.seconds).toFixed(1)} %`);
    }
    await timed('CISA', path.join(FOLDER, 'known_exploited_vulnerabilities.json.gz'));
    for (const day of [1, 2]) {
      const lines = Array.from({ length: SCORES }, (_, index) => `CVE-${1999 + (index % 27)}-${1000 + Math.floor(index / 27)},0.${String((index * 7919 + day) % 99991).padStart(5, '0')},0.${String((index * 104729 + day) % 99991).padStart(5, '0')}`);
      const file = path.join(folder, `epss-${day}.csv.gz`);
      await writeFile(file, gzipSync(`#model_version:v2025.03.14,score_date:2026-11-0${day}T00:00:00+0000\ncve,epss,percentile\n${lines.join('\n')}\n`));
      await timed(`EPSS, day ${day}`, file);
      await timed(`EPSS, day ${day} again`, file);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

suite('advisories')('imports', bench, { timeoutMs: 600_000 });
