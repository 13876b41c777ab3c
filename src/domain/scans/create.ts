/** Queueing a scan: the upload is recognised, stored and handed to a worker in one transaction. */
import { userIdOf } from '../../core/actor.ts';
import { DomainError, notFound, projectArchived } from '../../core/errors.ts';
import { storeBlob } from '../../db/blobs.ts';
import { activeScans, findScan, insertScan, setScanJob, type ScanRow } from '../../db/scans.ts';
import type { Tx } from '../../db/connect.ts';
import type { ProjectRow } from '../../db/projects.ts';
import { inTransaction } from '../../db/transaction.ts';
import { recogniseArchive } from '../../scan/archive.ts';
import { audit } from '../audit.ts';
import type { Context } from '../context.ts';
import { recogniseSbom } from '../formats/sbom-format.ts';
import { getProject } from '../projects/read.ts';
import { volumeOf } from '../system/disk.ts';
import { containerFormat } from './container-source.ts';
import { scanQueued } from './follow.ts';
import { GIT_FORMAT, planGitScan } from './git-source.ts';
import type { ScanRequest, Upload } from './request.ts';

/**
 * Throws project-archived, scan-in-progress, too-many-active-scans, no-scan-source, unsupported-sbom, unsupported-archive,
 * scan-kind-unavailable, validation-failed (a ref that git does not allow, an image that is none), disk-pressure.
 */
export async function createScan(context: Context, projectId: string, request: ScanRequest): Promise<ScanRow> {
  const project = await getProject(context, projectId);
  const plan = await planScan(context, project, request);
  return inTransaction(context.db, (tx) => queueScan(tx, context, project, request, plan));
}

/** What is scanned, from where, under which ref. */
export interface ScanPlan {
  ref: string | null;
  fetchRef: string | null;
  fetchCommit: string | null;
  sourceFormat: string;
}

/** The first half, before any transaction: it looks at the upload, the disk and git. */
export async function planScan(context: Context, project: Pick<ProjectRow, 'archived_at' | 'git_url' | 'default_branch'>, request: ScanRequest): Promise<ScanPlan> {
  if (project.archived_at !== null) throw projectArchived();
  const sourceFormat = request.kind === 'container' ? await containerFormat(context, request) : formatOf(request, project.git_url);
  await refuseUnderDiskPressure(context);
  return { sourceFormat, ...(sourceFormat === GIT_FORMAT ? await planGitScan(request, project.default_branch) : { ref: request.ref, fetchRef: null, fetchCommit: null }) };
}

/** The second half. Nothing is written where it throws. */
export async function queueScan(tx: Tx, context: Context, project: Pick<ProjectRow, 'id' | 'team_id'>, request: ScanRequest, { sourceFormat, ...plan }: ScanPlan): Promise<ScanRow> {
  const active = await activeScans(tx, project.id, plan.ref);
  if (active === undefined) throw notFound('The project');
  if (active.archived) throw projectArchived();
  if (active.activeScanId !== null) {
    throw new DomainError('scan-in-progress', 'A scan of this project and ref is queued or running; follow that one, or wait for it.', { active_scan_id: active.activeScanId });
  }
  const limit = context.config.MAX_ACTIVE_SCANS_PER_TEAM;
  if (active.teamCount >= limit) throw new DomainError('too-many-active-scans', `The team has ${limit} queued or running scans, which is its limit. Wait for one to end, or cancel one.`, { limit, retryAfter: 30 });
  const id = await insertScan(tx, {
    projectId: project.id, kind: request.kind, ...plan, commitSha: request.commitSha, metadata: request.metadata, sourceFormat, image: request.image,
    blobId: request.upload === null ? null : await storeBlob(tx, request.upload),
    requestedByUserId: userIdOf(context.actor),
  });
  await setScanJob(tx, id, await context.enqueue(tx, 'run-scan', { scan_id: id }, { group: active.teamId }));
  await scanQueued(tx, context, id);
  await audit(tx, context, { action: 'create', table: 'scans', id, teamId: project.team_id, diff: { kind: request.kind, ref: plan.ref, source_format: sourceFormat, ...(request.image === null ? {} : { image: request.image }) } });
  const scan = await findScan(tx, id);
  if (scan === undefined) throw new Error('the new scan is not there');
  return scan;
}


/** Where the source comes from: git, or what the upload is, from its first bytes or the client's word. */
function formatOf(request: ScanRequest, gitUrl: string | null): string {
  if (request.upload === null) {
    if (gitUrl === null) throw new DomainError('no-scan-source', "There is nothing to scan: send the file field 'sbom' or 'archive', or set the project's git_url.");
    return GIT_FORMAT;
  }
  return request.kind === 'sbom' ? sbomFormat(request.upload, request.statedFormat) : archiveFormat(request.upload);
}

function sbomFormat(upload: Upload, stated: string | null): string {
  const seen = recogniseSbom(upload.head);
  if (stated !== null && seen !== null && stated !== seen) throw new DomainError('unsupported-sbom', `format says ${stated}, but the document looks like ${seen}. State that, or leave format out.`);
  const format = stated ?? seen;
  if (format === null) throw new DomainError('unsupported-sbom', 'The upload is not recognised as CycloneDX 1.2-1.7 (JSON, XML) or SPDX 2.2-2.3 (JSON, tag-value) in UTF-8. Send source as kind `source` in the file field `archive`.');
  return format;
}

function archiveFormat(upload: Upload): string {
  const format = recogniseArchive(upload.head);
  if (format === null) throw new DomainError('unsupported-archive', 'The upload is not recognised as a zip, tar, tar.gz or tar.zst archive.');
  return format;
}

async function refuseUnderDiskPressure(context: Context): Promise<void> {
  const { usedPercent: used } = await volumeOf(context.config.DATA_DIR);
  const limit = context.config.DISK_HARD_LIMIT_PERCENT;
  if (used >= limit) throw new DomainError('disk-pressure', `The disk is ${Math.floor(used)} % full; new scans are refused from ${limit} %. Tell an operator.`, { retryAfter: 60 });
}
