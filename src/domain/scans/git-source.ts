/** Source from the project's repository: which ref, under which limits, and the watch over a fetch that may take minutes. */
import path from 'node:path';
import { DomainError } from '../../core/errors.ts';
import type { Inventory } from '../../core/component.ts';
import { findGitOrigin, recordCommit, type ClaimedScan } from '../../db/scan-states.ts';
import { createAddressGuard } from '../../integrations/addresses.ts';
import { fetchGit, isRefName, type GitRequest } from '../../integrations/git.ts';
import { GitFault } from '../../integrations/git-faults.ts';
import { gitUnavailable } from '../../integrations/git-program.ts';
import { ARCHIVE_LIMITS } from '../../scan/archive-bounds.ts';
import { detect, isWanted } from '../../scan/detect.ts';
import { HEAD_LINES, LicenseHeaders, SOURCE_ENDINGS } from '../../scan/license-headers.ts';
import type { Services } from '../context.ts';
import type { ScanRequest } from './request.ts';

/** `source_format` of a scan whose source is fetched. */
export const GIT_FORMAT = 'git';
const WANTED_BYTES = 256 * 1024 * 1024;

/** What a request for a scan of the repository asks git for. Throws scan-kind-unavailable, validation-failed. */
export async function planGitScan(request: ScanRequest, defaultBranch: string | null): Promise<{ ref: string | null; fetchRef: string | null; fetchCommit: string | null }> {
  const { statedRef } = request;
  if (statedRef !== null && !isRefName(statedRef)) {
    throw new DomainError('validation-failed', '/ref is not a name that git allows for a branch or tag.', { errors: [{ pointer: '/ref', message: 'is not a name that git allows for a branch or tag' }] });
  }
  const why = await gitUnavailable();
  if (why !== null) throw new DomainError('scan-kind-unavailable', `${why} Upload the source as the file field 'archive' instead.`);
  const isDefault = statedRef === null && request.commitSha === null && defaultBranch !== null;
  return { ref: isDefault ? defaultBranch : request.ref, fetchRef: isDefault ? defaultBranch : statedRef, fetchCommit: request.commitSha };
}

/** Full names that a ref may mean, the likeliest first: a branch before a tag before a pull or merge request. */
function refCandidates(ref: string | null): string[] {
  if (ref === null) return ['HEAD'];
  if (ref.startsWith('refs/')) return [ref];
  const [, kind, number] = /^(pr|mr)-(\d+)$/.exec(ref) ?? [];
  const request = kind === undefined || number === undefined ? [] : [kind === 'pr' ? `refs/pull/${number}/head` : `refs/merge-requests/${number}/head`];
  return [`refs/heads/${ref}`, `refs/tags/${ref}`, ...request];
}

/**
 * Fetches, notes the commit, and reads the lock files. Throws GitFault, ArchiveError (too many components), or the reason of the signal, with git killed.
 */
export async function gatherFromGit(services: Services, scan: ClaimedScan, workspace: string, signal: AbortSignal, step: (name: 'prep' | 'cdxgen') => Promise<void>): Promise<Inventory> {
  const source = await fetchGit(await requestFor(services, scan, workspace, signal));
  await recordCommit(services.db, scan, source.commit);
  await step('prep');
  const { files, warnings } = await source.read(isWanted);
  const headers = new LicenseHeaders();
  const tagged = await source.find('SPDX-License-Identifier:', SOURCE_ENDINGS);
  if (tagged === null) warnings.push('The heads of source files could not be searched for licences.');
  for (const { path: name, line, text } of tagged ?? []) if (line <= HEAD_LINES && headers.wants(name)) headers.add(name, text);
  await step('cdxgen');
  const inventory = await detect(files, headers);
  return { ...inventory, warnings: [...warnings, ...inventory.warnings] };
}

async function requestFor({ db, vault, config }: Services, scan: ClaimedScan, workspace: string, signal: AbortSignal): Promise<GitRequest> {
  const origin = await findGitOrigin(db, scan.id);
  if (origin === undefined || origin.gitUrl === null) throw new GitFault('git-url-refused', 'The project has no git_url any more. Set it and queue a new scan.');
  return {
    url: origin.gitUrl, credential: origin.credentialSealed === null ? null : vault.open(origin.credentialSealed), refs: refCandidates(origin.fetchRef), commit: origin.fetchCommit,
    workspace, signal, guard: createAddressGuard(config.ALLOW_PRIVATE_ADDRESSES),
    caFile: config.GIT_CA_FILE, knownHosts: config.GIT_KNOWN_HOSTS_FILE, hostsFile: path.join(config.DATA_DIR, 'git', 'known_hosts'),
    limits: { packBytes: config.GIT_MAX_BYTES, fileBytes: ARCHIVE_LIMITS.fileBytes, wantedBytes: WANTED_BYTES, entries: 1_000_000, timeoutMs: config.GIT_TIMEOUT_SECONDS * 1000 },
  };
}
