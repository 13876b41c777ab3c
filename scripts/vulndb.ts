/**
 * `make vulndb`: fetches what vulnerability data the settings name, at once. `make vulndb FROM=zip-or-folder` imports it from files instead. Into the installation
 * that the environment names (DATA_DIR or DATABASE_URL, as the portal reads them), beside a running portal or without one.
 */
import { mkdir } from 'node:fs/promises';
import { pino } from 'pino';
import { SourceError } from '../src/advisories/read.ts';
import { ConfigError, loadConfig, type Config } from '../src/config.ts';
import { messageOf } from '../src/core/values.ts';
import { openDatabase } from '../src/db/connect.ts';
import { openEmbedded } from '../src/db/embedded.ts';
import { migrate } from '../src/db/migrate.ts';
import { importAdvisories } from '../src/domain/advisories/import.ts';
import type { SyncServices } from '../src/domain/advisories/fetch.ts';
import type { ImportReport } from '../src/domain/advisories/report.ts';
import { syncAdvisories } from '../src/domain/advisories/sync.ts';
import { startQueue } from '../src/jobs/queue.ts';

const STOP_DEADLINE_MS = 10_000;
const stopping = new AbortController();

async function main(): Promise<void> {
  const from = process.argv[2] ?? '';
  const config = loadConfig();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort(new Error('it was stopped')));
  await withServices(config, (services) => (from === '' ? sync(services) : importFrom(services, from)));
}

async function withServices(config: Config, work: (services: SyncServices) => Promise<void>): Promise<void> {
  const log = pino({ level: 'error' });
  await mkdir(config.DATA_DIR, { recursive: true });
  const embedded = config.DATABASE_URL === null ? await openEmbedded({ dataDir: config.DATA_DIR, log }) : null;
  try {
    const url = config.DATABASE_URL ?? embedded?.url ?? '';
    const sessionUrl = config.DATABASE_SESSION_URL ?? url;
    await migrate(sessionUrl, { log });
    const database = openDatabase(url, { max: 2, applicationName: 'sca-portal-vulndb', log, prepare: config.DATABASE_PREPARE === 'on' });
    const queue = await startQueue(sessionUrl, false, config, log); // what follows from new findings is for the workers of a running portal
    try {
      await work({ config, log, db: database.db, enqueue: queue.enqueue, now: () => new Date() });
    } finally {
      await queue.stop(STOP_DEADLINE_MS);
      await database.close();
    }
  } finally {
    await embedded?.stop(STOP_DEADLINE_MS);
  }
}

async function importFrom(services: SyncServices, from: string): Promise<void> {
  const begin = performance.now();
  const report = await importAdvisories(services, from, (records) => showProgress(from, records));
  show(report, (performance.now() - begin) / 1000);
  if (report.records + report.exploited + report.predictions === 0) process.exitCode = 1;
}

async function sync(services: SyncServices): Promise<void> {
  const outcomes = await syncAdvisories(services, { force: true, signal: stopping.signal, onProgress: showProgress });
  clearProgress();
  for (const { source, reports, error } of outcomes) {
    const changed = reports.reduce((sum, { changed: own, exploited, predictions }) => sum + own + exploited + predictions, 0);
    console.log(`${source.padEnd(20)} ${error ?? (reports.length === 0 || changed === 0 ? 'nothing new' : `${changed} new or changed`)}`);
    for (const report of reports) for (const fault of report.faults) console.log(`  not used: ${fault}`);
  }
  const { VULNDB_ECOSYSTEMS: wanted } = services.config;
  if (wanted === 'auto' && !outcomes.some(({ source }) => source.startsWith('osv:'))) console.log('There are no components yet, so no ecosystem was fetched. Name some by VULNDB_ECOSYSTEMS, e.g. npm,PyPI, or all.');
  if (outcomes.every(({ error }) => error === null)) return;
  console.log('What could not be fetched is as it was. Without the internet name mirrors (VULNDB_URL, KEV_URL, EPSS_URL), or import files: make vulndb FROM=zip-or-folder.');
  process.exitCode = 1;
}

function showProgress(source: string, records: number): void {
  if (process.stdout.isTTY) process.stdout.write(`\r\u001b[2K${source}: ${records} records read ...`);
}

function clearProgress(): void {
  if (process.stdout.isTTY) process.stdout.write('\r\u001b[2K');
}

function show(report: ImportReport, seconds: number): void {
  clearProgress();
  console.log(`${report.records} advisories read, ${report.changed} new or changed, ${report.refused} refused, in ${seconds.toFixed(1)} s`);
  console.log(`  ${report.vulnerabilities} vulnerabilities written; ${report.exploited} entries of CISA's catalogue, ${report.predictions} EPSS scores`);
  console.log(`  ${report.rematched} package versions matched again: ${report.findingsOpened} findings opened, ${report.findingsResolved} resolved`);
  for (const fault of report.faults) console.log(`  not used: ${fault}`);
}

main().catch((error: unknown) => {
  console.error(error instanceof ConfigError || error instanceof SourceError ? error.message : `The import failed, and nothing was changed: ${messageOf(error)}`);
  process.exit(1);
});
