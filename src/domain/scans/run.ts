/**
 * Running a scan: a list of steps that gather, then one transaction that publishes. Nothing is visible before it, so a run that dies
 * is simply run again; a run that was taken over by another worker finds at its next step that it no longer owns the scan.
 */
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Inventory } from '../../core/component.ts';
import { Stopping } from '../../core/errors.ts';
import { readBlob } from '../../db/blobs.ts';
import { requeueScan } from '../../db/scan-sweep.ts';
import { advanceScan, claimScan, failScan, type ClaimedScan } from '../../db/scan-states.ts';
import { setScanJob, type ScanStep } from '../../db/scans.ts';
import { inTransaction } from '../../db/transaction.ts';
import { GitFault } from '../../integrations/git-faults.ts';
import { ImageFault } from '../../integrations/trivy.ts';
import { ArchiveError } from '../../scan/archive-bounds.ts';
import { isArchiveFormat } from '../../scan/archive.ts';
import { detectArchive } from '../../scan/detect.ts';
import type { Services } from '../context.ts';
import { SbomError, readSbom } from '../formats/sbom-read.ts';
import { isSbomFormat } from '../formats/sbom-format.ts';
import { gatherFromImage, isImageFormat } from './container-source.ts';
import { scanEnded } from './follow.ts';
import { gatherFromGit, GIT_FORMAT } from './git-source.ts';
import { Superseded, until, watchOwnership } from './ownership.ts';
import { askSecondOpinion } from './second-opinion.ts';
import { publish, prepareComponents, resolvePackages, type PreparedComponent, type ScanFacts } from './publish.ts';

/** Percent at the start of each step, as clients know them. */
const PERCENT = { bootstrap: 0, fetch: 10, prep: 18, cdxgen: 25, license: 50, dt_upload: 55, dt_findings: 60, vuln_match: 70, finalize: 90 } as const satisfies Partial<Record<ScanStep, number>>;

/** A fault of the scanned input, in words for its owner; running again would not help. */
class ScanFault extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Runs a scan to its end. Throws only what another try may mend (the database is gone, a bug); then the job is retried. */
export async function runScan(services: Services, scanId: string, given: AbortSignal): Promise<void> {
  const scan = await claimScan(services.db, scanId);
  if (scan === undefined) return;
  const log = services.log.child({ scan_id: scanId, attempt: scan.attempt });
  const workspace = path.join(services.config.DATA_DIR, 'workspace', `${scan.id}-${scan.attempt}`);
  const watch = watchOwnership(services, scan, given);
  const { signal } = watch;
  const step = async (name: keyof typeof PERCENT): Promise<void> => {
    signal.throwIfAborted();
    if (!(await advanceScan(services.db, scan, name, PERCENT[name]))) throw new Superseded();
  };
  try {
    await step('bootstrap');
    const { facts, components } = await prepare(services, scan, workspace, signal, step);
    const opinion = await askSecondOpinion(services, scan, components, workspace, signal, step);
    await step('vuln_match');
    const rows = await resolvePackages(services.db, components.splice(0));
    await step('finalize');
    if (!(await publish(services, scan, facts, rows, opinion))) throw new Superseded();
    log.info({ components: rows.length }, 'scan succeeded');
  } catch (error) {
    const why: unknown = signal.aborted ? signal.reason : error; // whatever an abort made fail, the abort is the cause
    const fault = why instanceof DOMException && why.name === 'TimeoutError' ? timeLimit(services) : faultOf(why);
    if (why instanceof Superseded) log.info('scan was taken over or ended elsewhere');
    else if (why instanceof Stopping) await giveBack(services, scan);
    else if (fault === null) throw error;
    else {
      await endFailed(services, scan, fault);
      log.info({ fault }, 'scan failed');
    }
  } finally {
    watch.stop();
    await rm(workspace, { recursive: true, force: true });
  }
}

/** What the source holds, ready to be published. Of 100,000 components one form at a time is kept: each step lets go of what the one before it made. */
async function prepare(services: Services, scan: ClaimedScan, workspace: string, signal: AbortSignal, step: (name: 'fetch' | 'prep' | 'cdxgen' | 'license') => Promise<void>): Promise<{ facts: ScanFacts; components: PreparedComponent[] }> {
  const { components, ...facts } = await gather(services, scan, workspace, signal, step);
  await step('license');
  return { facts, components: prepareComponents(components) };
}

async function gather(services: Services, scan: ClaimedScan, workspace: string, signal: AbortSignal, step: (name: 'fetch' | 'prep' | 'cdxgen') => Promise<void>): Promise<Inventory> {
  await step('fetch');
  if (scan.sourceFormat === GIT_FORMAT) {
    await mkdir(workspace, { recursive: true, mode: 0o700 });
    return gatherFromGit(services, scan, workspace, signal, step);
  }
  if (scan.sourceFormat !== null && isImageFormat(scan.sourceFormat)) {
    await mkdir(workspace, { recursive: true, mode: 0o700 });
    return gatherFromImage(services, scan, workspace, signal, step);
  }
  if (scan.blobId === null || scan.sourceFormat === null) throw new ScanFault('no-source', 'The upload of this scan is no longer there. Queue a new scan.');
  const content = until(signal, readBlob(services.db, scan.blobId));
  if (isSbomFormat(scan.sourceFormat)) {
    await step('prep');
    await step('cdxgen');
    return readSbom(scan.sourceFormat, content);
  }
  await mkdir(workspace, { recursive: true });
  const archive = path.join(workspace, 'archive');
  await pipeline(content, createWriteStream(archive, { mode: 0o600 }));
  await step('prep');
  await step('cdxgen');
  if (!isArchiveFormat(scan.sourceFormat)) throw new ScanFault('no-source', `The upload's format '${scan.sourceFormat}' is not read by this release.`);
  return detectArchive(archive, scan.sourceFormat);
}

/** This worker stops: another one may have the scan at once, by a job of its own, so that this start does not count among its tries. */
async function giveBack(services: Services, scan: ClaimedScan): Promise<void> {
  await inTransaction(services.db, async (tx) => {
    const owner = await requeueScan(tx, scan);
    if (owner !== undefined) await setScanJob(tx, scan.id, await services.enqueue(tx, 'run-scan', { scan_id: scan.id }, { group: owner.teamId }));
  });
  services.log.info({ scan_id: scan.id }, 'scan given back, since this worker stops');
}

const timeLimit = ({ config }: Services): { code: string; message: string } => ({ code: 'timeout', message: `The scan exceeded the time limit of ${config.SCAN_TIMEOUT_SECONDS} seconds.` });

/** The input's own fault, or null where the error is ours or the database's. */
function faultOf(error: unknown): { code: string; message: string } | null {
  if (error instanceof ScanFault || error instanceof SbomError || error instanceof GitFault || error instanceof ImageFault || error instanceof ArchiveError) return { code: error.code, message: error.message.slice(0, 2000) };
  return null;
}

/** Ends the scan, and has told whom it concerns. */
export function endFailed(services: Pick<Services, 'db' | 'enqueue'>, scan: { id: string; attempt?: number }, fault: { code: string; message: string }): Promise<void> {
  return inTransaction(services.db, async (tx) => {
    if (!(await failScan(tx, scan, fault))) return;
    await services.enqueue(tx, 'deliver-notices', {});
    await scanEnded(tx, services, scan.id);
  });
}

/** The last try failed too: the scan must not stay `running` for ever. */
export async function giveUp(services: Services, scanId: string): Promise<void> {
  await endFailed(services, { id: scanId }, { code: 'internal', message: 'The scan failed several times for a fault of the portal or its database. Queue it again; the log has the cause.' });
}
