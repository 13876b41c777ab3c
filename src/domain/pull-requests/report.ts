/** Telling a code host of a scan by itself: the commit's status from its beginning to its end, and the comment on a pull request that a webhook told of. */
import { DomainError } from '../../core/errors.ts';
import { isRecord } from '../../core/values.ts';
import { findCodeHost, noteReport, type CodeHostRow } from '../../db/code-hosts.ts';
import type { ProjectRow } from '../../db/projects.ts';
import { findScan, type ScanRow } from '../../db/scans.ts';
import { GitFault } from '../../integrations/git-faults.ts';
import { parseRemote } from '../../integrations/git-remote.ts';
import { CodeHostError, Passing, setCommitStatus } from '../../integrations/code-host.ts';
import { ofJob, type Context, type Services } from '../context.ts';
import { getProject } from '../projects/read.ts';
import { commentOnHost, hostOf, linkTo, statusName, wordsFor } from './post.ts';

/** Throws what may pass: the job is tried again then. Anything else stands with the code host, for who set it. */
export async function reportScan(services: Services, scanId: string, moment: 'start' | 'end'): Promise<void> {
  const context = ofJob(services, 'report-scan');
  const scan = await findScan(context.db, scanId);
  const row = scan === undefined ? undefined : await findCodeHost(context.db, scan.project_id);
  if (scan === undefined || row === undefined || isUnderWay(scan) !== (moment === 'start')) return; // the end is told by a job of its own
  try {
    await tell(context, scan, row);
    await noteReport(context.db, scan.project_id, null);
  } catch (error) {
    if (!(error instanceof CodeHostError || error instanceof GitFault || error instanceof DomainError)) throw error;
    await noteReport(context.db, scan.project_id, error.message);
    if (error instanceof Passing || (error instanceof DomainError && error.kind === 'unavailable')) throw error;
    context.log.info({ err: error, scan_id: scanId }, 'a code host does not take what it is told of a scan');
  }
}

const isUnderWay = ({ status }: ScanRow): boolean => status === 'queued' || status === 'running';

async function tell(context: Context, scan: ScanRow, row: CodeHostRow): Promise<void> {
  const project = await getProject(context, scan.project_id);
  if (project.git_url === null) throw new DomainError('no-scan-source', "The project has no git_url, so that its repository at the code host is not known. Set it: PATCH /v1/projects/{id}.");
  const repository = repositoryAt(project.git_url, row);
  const number = scan.status === 'succeeded' && row.comments ? requestOf(scan) : null;
  if (number !== null) {
    await commentOnHost(context, scan, project, { repository, number }, await wordsFor(context, scan, project)); // it sets the status too
  } else if (row.commit_statuses && scan.commit_sha !== null) {
    await setCommitStatus((await hostOf(context, project.id)).host, repository, scan.commit_sha, await statusOf(context, scan, project));
  }
}

async function statusOf(context: Context, scan: ScanRow, project: ProjectRow) {
  const [name, url] = [statusName(project.slug), linkTo(context, scan)];
  if (isUnderWay(scan)) return { state: 'pending' as const, name, url, description: 'The scan is under way.' };
  if (scan.status === 'succeeded') return (await wordsFor(context, scan, project)).status;
  return { state: 'error' as const, name, url, description: scan.error?.message ?? 'The scan has failed.' };
}

/** The pull or merge request that a webhook told of; null for any other scan. */
function requestOf({ metadata: { webhook } }: ScanRow): number | null {
  if (!isRecord(webhook)) return null;
  const number = webhook['pull_request'] ?? webhook['merge_request'];
  return typeof number === 'number' ? number : null;
}

/** `owner/name`, with all groups in GitLab, without the folder that a server of its own may be in. Throws GitFault. */
export function repositoryAt(gitUrl: string, { kind, api_url: apiUrl }: Pick<CodeHostRow, 'kind' | 'api_url'>): string {
  const path = parseRemote(gitUrl).path.replace(/^\/+/, '').replace(/\/+$/, '').replace(/\.git$/, '');
  if (kind === 'github') return path.split('/').slice(-2).join('/');
  const folder = new URL(apiUrl).pathname.replace(/\/api\/v4$/, '').replace(/^\/+/, '');
  return folder !== '' && path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : path;
}
