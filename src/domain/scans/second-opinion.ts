/**
 * The steps `dt_upload` and `dt_findings`: Dependency-Track, where one is configured, is shown what the scan has detected and says what it knows of it. A scan never fails for it, and holds
 * no database connection while it waits: where it is away or late the scan goes on, says so, and what it reported before stays.
 */
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { cut } from '../../core/values.ts';
import { enterBreaker, findBreaker, leaveBreaker, recordServiceFailure, recordServiceSuccess } from '../../db/circuit-breakers.ts';
import type { ClaimedScan } from '../../db/scan-states.ts';
import type { SkippedStep } from '../../db/scans.ts';
import { findScanNaming, type ScanNaming } from '../../db/second-opinions.ts';
import { findProjectId, listFindings, untilProcessed, uploadBom, type ReportedFinding } from '../../integrations/dependency-track.ts';
import { DependencyTrackError, type DependencyTrack } from '../../integrations/dependency-track-call.ts';
import { importReported } from '../advisories/reported.ts';
import type { Services } from '../context.ts';
import { TOOL } from '../documents/view.ts';
import type { PreparedComponent, SecondOpinion } from './publish.ts';
import { understand } from './reported.ts';
import { writeScanDocument } from './scan-document.ts';

type Step = (name: SkippedStep['step']) => Promise<void>;

/** Of the breaker, and in the health page. */
export const DEPENDENCY_TRACK = 'dependency_track';
const NONE: SecondOpinion = { reports: null, skipped: [], warnings: [] };
/** A probe may take longer than the service does: by the work of the portal around it. */
const PROBE_MARGIN_S = 60;
const NO_REF = '(no ref)';

/** Throws the reason of the signal, and what `step` throws. */
export async function askSecondOpinion(services: Services, scan: ClaimedScan, components: readonly PreparedComponent[], workspace: string, signal: AbortSignal, step: Step): Promise<SecondOpinion> {
  const { db, config: { DT_URL: url, DT_API_KEY: apiKey, DT_TIMEOUT_SECONDS: seconds } } = services;
  if (url === null || apiKey === null || components.length === 0) return url === null || apiKey === null ? NONE : { ...NONE, reports: [] };
  if (!(await enterBreaker(db, DEPENDENCY_TRACK, seconds + PROBE_MARGIN_S))) return without(['dt_upload', 'dt_findings'], await whyOpen(services));
  const reached: { step: SkippedStep['step'] } = { step: 'dt_upload' };
  try {
    const naming = await findScanNaming(db, scan.id);
    if (naming === undefined) throw new Error('the scan has no row');
    await step('dt_upload');
    const file = await writeDocument(scan, naming, components, workspace, services.now());
    const server: DependencyTrack = { url, apiKey, signal: AbortSignal.any([signal, AbortSignal.timeout(seconds * 1000)]) };
    const findings = await ask(server, projectOf(naming), file, async () => {
      await step('dt_findings');
      reached.step = 'dt_findings';
    });
    await recordServiceSuccess(db, DEPENDENCY_TRACK);
    const { reports, advisories, passedOver } = understand(findings, components);
    await importReported(services, advisories);
    return { reports, skipped: [], warnings: passedOver === 0 ? [] : [`Dependency-Track reports ${passedOver} findings on components that this scan does not have, or without a usable id; they were passed over.`] };
  } catch (error) {
    if (signal.aborted || !(error instanceof DependencyTrackError)) {
      await leaveBreaker(db, DEPENDENCY_TRACK);
      signal.throwIfAborted();
      throw error;
    }
    services.log.warn({ scan_id: scan.id, step: reached.step, reason: error.message }, 'no second opinion');
    await (error.isGeneral ? recordServiceFailure(db, DEPENDENCY_TRACK, error.message) : recordServiceSuccess(db, DEPENDENCY_TRACK));
    return without(reached.step === 'dt_upload' ? ['dt_upload', 'dt_findings'] : ['dt_findings'], error.message);
  }
}

async function ask(server: DependencyTrack, project: { name: string; version: string }, file: string, uploaded: () => Promise<void>): Promise<ReportedFinding[]> {
  const { token, projectId } = await uploadBom(server, project, file);
  await uploaded();
  await untilProcessed(server, token);
  return listFindings(server, projectId ?? (await findProjectId(server, project)));
}

/** One project there a project here, one version a ref. */
const projectOf = ({ team_slug, slug, ref }: ScanNaming): { name: string; version: string } => ({ name: `${team_slug}/${slug}`, version: cut(ref ?? NO_REF, 255) });

async function writeDocument(scan: ClaimedScan, { name, description, commit_sha, ref, team_name }: ScanNaming, components: readonly PreparedComponent[], workspace: string, now: Date): Promise<string> {
  await mkdir(workspace, { recursive: true, mode: 0o700 });
  const file = path.join(workspace, 'dependency-track.cdx.json');
  const head = { id: scan.id, product: { name, version: commit_sha ?? ref, description }, author: team_name, timestamp: now.toISOString(), tool: TOOL };
  await pipeline(writeScanDocument(head, components), createWriteStream(file, { mode: 0o600 }));
  return file;
}

const without = (steps: readonly SkippedStep['step'][], reason: string): SecondOpinion =>
  ({ reports: null, skipped: steps.map((step) => ({ step, reason })), warnings: [`Without a second opinion: ${reason} What Dependency-Track reported before stays as it was.`] });

async function whyOpen({ db }: Services): Promise<string> {
  const breaker = await findBreaker(db, DEPENDENCY_TRACK);
  const until = breaker === undefined || breaker.open_until === null || breaker.half_open ? 'another scan is trying it' : `it is tried again at ${breaker.open_until}`;
  return `Dependency-Track was not asked, since it failed ${breaker?.failures ?? 0} times in a row; ${until}. The last time: ${breaker?.error ?? 'unknown'}`;
}
