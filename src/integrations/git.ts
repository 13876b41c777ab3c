/**
 * Source from git: exactly one commit, without its history, and of it the wanted files alone. Nothing is checked out: files are read from the
 * object store (git-tree.ts), so that symbolic links, hooks, filters, LFS and odd file names of a hostile repository have nowhere to act.
 */
import { mkdir, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { AddressError, type AddressGuard, type ResolvedAddress } from './addresses.ts';
import { OutputTooLarge } from './bounded-process.ts';
import { GitFault } from './git-faults.ts';
import { faultOfRun, gitIn, orThrow, type Git } from './git-program.ts';
import { accessTo, parseRemote, type Access } from './git-remote.ts';
import { findLines, readTree, type FoundLine, type TreeFiles, type TreeLimits } from './git-tree.ts';

export interface GitLimits extends TreeLimits {
  /** What is fetched, packed. */
  packBytes: number;
  timeoutMs: number;
}

export interface GitRequest {
  url: string;
  /** Token or `user:password` for https, a private key for ssh. */
  credential: string | null;
  /** Full ref names, tried in turn; HEAD is the default branch. */
  refs: readonly string[];
  /** 7 to 64 hexadecimal digits; an abbreviated one must be where a ref points. */
  commit: string | null;
  /** An existing folder of this scan alone. */
  workspace: string;
  guard: AddressGuard;
  caFile: string | null;
  knownHosts: string | null;
  hostsFile: string;
  limits: GitLimits;
  signal: AbortSignal;
}

export interface GitSource {
  /** Full hash. */
  commit: string;
  /** The wanted files; links and submodules are never among them. */
  read: (wanted: (path: string) => boolean) => Promise<TreeFiles>;
  /** Lines that hold the text, of files with these endings, with their numbers from 1; null where git cannot search them. */
  find: (text: string, endings: readonly string[]) => Promise<FoundLine[] | null>;
}

const TARGET = 'refs/scan/target';
const REF = /^(?:HEAD|refs\/[^\s:^~?*[\\\u0000-\u001f\u007f]+)$/;

/** Is this a name that a ref may have (git-check-ref-format), and one that no program takes for an option? */
export function isRefName(ref: string): boolean {
  const bad = /^-|[\s:^~?*[\\\u0000-\u0020\u007f]|\.\.|@\{|\/\/|^\/|\/$|\.$|(?:^|\/)\.|\.lock(?:\/|$)/;
  return ref !== '' && ref !== '@' && !bad.test(ref);
}

/** Fetches; throws GitFault, or the reason of the signal. */
export async function fetchGit(request: GitRequest): Promise<GitSource> {
  const { limits, workspace, signal } = request;
  const deadline = AbortSignal.timeout(limits.timeoutMs);
  return explained(request, deadline, async () => {
    const remote = parseRemote(request.url);
    const access = await accessTo(remote, await addressesOf(request.guard, remote.host), request);
    const folder = path.join(workspace, 'repository');
    await mkdir(folder);
    const git = gitIn(folder, workspace, limits.packBytes, AbortSignal.any([signal, deadline]));
    orThrow(await git(['init', '--quiet', '--bare', '--template=', ...(request.commit?.length === 64 ? ['--object-format=sha256'] : [])]));
    await fetchFirst(git, access, request).catch(async (error: unknown) => {
      throw (await isCutOff(folder, limits.packBytes)) ? new GitFault('git-too-large', `The repository is larger than ${limits.packBytes} bytes (GIT_MAX_BYTES), even without its history.`) : error;
    });
    const commit = await resolveCommit(git, request.commit);
    return {
      commit, read: (wanted) => explained(request, deadline, () => readTree(git, commit, wanted, limits)),
      find: (text, endings) => explained(request, deadline, () => findLines(git, commit, text, endings)),
    };
  });
}

/** Says why a run was cut: by the caller, by the time limit, or by what came out of it. */
async function explained<T>({ signal, limits }: GitRequest, deadline: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    if (deadline.aborted) throw new GitFault('git-timeout', `The repository could not be fetched within ${Math.round(limits.timeoutMs / 1000)} seconds.`);
    if (error instanceof OutputTooLarge) throw new GitFault('git-too-large', 'The repository names more files than this installation reads.');
    throw error;
  }
}

/** The kernel ends a program that writes past the limit, and git cannot say why: the file that it was writing can. */
async function isCutOff(folder: string, limit: number): Promise<boolean> {
  const packs = path.join(folder, 'objects', 'pack');
  const names = await readdir(packs).catch(() => []);
  const sizes = await Promise.all(names.map(async (name) => (await stat(path.join(packs, name))).size));
  return sizes.some((size) => size >= limit - 512);
}

async function addressesOf(guard: AddressGuard, host: string): Promise<ResolvedAddress[]> {
  try {
    return await guard.resolve(host);
  } catch (error) {
    if (error instanceof AddressError) throw new GitFault(error.code === 'refused' ? 'git-address-refused' : 'git-unreachable', error.message);
    throw error;
  }
}

/**
 * A full commit by itself; else the first of the refs that is there, and never any other. Servers that hand out no single commits are asked for
 * the refs as well: whether they point at the wanted commit is seen afterwards.
 */
async function fetchFirst(git: Git, access: Access, { refs, commit }: GitRequest): Promise<void> {
  const full = commit !== null && (commit.length === 40 || commit.length === 64) ? [commit] : [];
  let missing: GitFault | null = null;
  for (const source of [...full, ...refs]) {
    if (source !== full[0] && !REF.test(source)) throw new GitFault('git-ref-not-found', 'The ref is not a name that git allows.');
    const end = await git(['fetch', '--quiet', '--depth=1', '--no-tags', '--no-recurse-submodules', '--', access.url, `+${source}:${TARGET}`], access.env);
    if (end.status === 0) return;
    const fault = faultOfRun(end);
    if (fault.code !== 'git-ref-not-found' && fault.code !== 'git-commit-not-found') throw fault;
    missing ??= full.length > 0 ? new GitFault('git-commit-not-found', 'The commit is not in the repository (any more).') : new GitFault('git-ref-not-found', notFoundMessage(refs));
  }
  throw missing ?? new GitFault('git-ref-not-found', notFoundMessage(refs));
}

const notFoundMessage = (refs: readonly string[]): string =>
  refs[0] === 'HEAD' ? 'The repository has no default branch; it is empty.' : `The repository has no ${refs.join(' or ')} (any more). Nothing else was scanned in its place.`;

async function resolveCommit(git: Git, wanted: string | null): Promise<string> {
  const { status, stdout } = await git(['rev-parse', '--verify', '--quiet', `${TARGET}^{commit}`]);
  const commit = stdout.toString('utf8').trim();
  if (status !== 0 || !/^[0-9a-f]{40,64}$/.test(commit)) throw new GitFault('git-commit-not-found', 'The ref does not lead to a commit.');
  if (wanted !== null && !commit.startsWith(wanted)) {
    throw new GitFault('git-commit-not-found', `The ref points at ${commit} by now, not at ${wanted}. Name the commit in full to scan it all the same.`);
  }
  return commit;
}
