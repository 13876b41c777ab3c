/**
 * `make vulndb FROM=zip-or-folder`: imports vulnerability data into the installation that the environment names (DATA_DIR or
 * DATABASE_URL, as the portal reads them), beside a running portal or without one.
 */
import { mkdir } from 'node:fs/promises';
import { pino } from 'pino';
import { SourceError } from '../src/advisories/read.ts';
import { ConfigError, loadConfig } from '../src/config.ts';
import { messageOf } from '../src/core/values.ts';
import { openDatabase } from '../src/db/connect.ts';
import { openEmbedded } from '../src/db/embedded.ts';
import { migrate } from '../src/db/migrate.ts';
import { importAdvisories, type ImportReport } from '../src/domain/advisories/import.ts';

const STOP_DEADLINE_MS = 10_000;
const USAGE = `Usage: make vulndb FROM=<zip, folder or file>
  FROM is an OSV export (osv-vulnerabilities: <ecosystem>/all.zip), one OSV record, CISA's known_exploited_vulnerabilities.json,
  an EPSS file (csv), or a folder of these; .gz is read as it is.`;

async function main(): Promise<void> {
  const from = process.argv[2];
  if (from === undefined || from === '') throw new SourceError(USAGE);
  const config = loadConfig();
  const log = pino({ level: 'warn' });
  await mkdir(config.DATA_DIR, { recursive: true });
  const embedded = config.DATABASE_URL === null ? await openEmbedded({ dataDir: config.DATA_DIR, log }) : null;
  try {
    const url = config.DATABASE_URL ?? embedded?.url ?? '';
    await migrate(url, { log });
    const database = openDatabase(url, { max: 2, applicationName: 'sca-portal-vulndb', log, prepare: config.DATABASE_PREPARE === 'on' });
    try {
      const begin = performance.now();
      const report = await importAdvisories(database, from, showProgress);
      show(report, (performance.now() - begin) / 1000);
      if (report.records + report.exploited + report.predictions === 0) process.exitCode = 1;
    } finally {
      await database.close();
    }
  } finally {
    await embedded?.stop(STOP_DEADLINE_MS);
  }
}

function showProgress(records: number): void {
  if (process.stdout.isTTY) process.stdout.write(`\r\u001b[2K${records} records read ...`);
}

function show(report: ImportReport, seconds: number): void {
  if (process.stdout.isTTY) process.stdout.write('\r\u001b[2K');
  console.log(`${report.records} advisories read, ${report.changed} new or changed, ${report.refused} refused, in ${seconds.toFixed(1)} s`);
  console.log(`  ${report.vulnerabilities} vulnerabilities written; ${report.exploited} entries of CISA's catalogue, ${report.predictions} EPSS scores`);
  console.log(`  ${report.rematched} package versions matched again: ${report.findingsOpened} findings opened, ${report.findingsResolved} resolved`);
  for (const fault of report.faults) console.log(`  not used: ${fault}`);
}

main().catch((error: unknown) => {
  console.error(error instanceof ConfigError || error instanceof SourceError ? error.message : `The import failed, and nothing was changed: ${messageOf(error)}`);
  process.exit(1);
});
