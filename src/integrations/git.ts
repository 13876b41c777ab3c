/**
 * Source from git: exactly one commit, without its history, and of it the wanted files alone. Nothing is checked out: files are read from the
 * object store, so that symbolic links, hooks, filters, LFS and odd file names of a hostile repository have nowhere to act.
 */
import { mkdir, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { AddressError, type AddressGuard, type ResolvedAddress } from './addresses.ts';
import { OutputTooLarge, runBounded, type BoundedEnd } from './bounded-process.ts';
import { faultOf, GitFault } from './git-faults.ts';
import { accessTo, gitEnvironment, parseRemote, type Access } from './git-remote.ts';

export interface GitLimits {
  /** What is fetched, packed. */
  packBytes: number;
  /** Of one wanted file, and of all together. */
  fileBytes: number;
  wantedBytes: number;
  entries: number;
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
  read: (wanted: (path: string) => boolean) => Promise<{ files: { path: string; data: Buffer }[]; warnings: string[] }>;
  /** Lines that hold the text, of files with these endings, with their numbers from 1; null where there are too many. */
  find: (text: string, endings: readonly string[]) => Promise<{ path: string; line: number; text: string }[] | null>;
}

const MIB = 1024 * 1024;
const MEMORY_BYTES = 3072 * MIB;
const LIST_BYTES = 128 * MIB;
const MAX_PATH = 1024;
const TARGET = 'refs/scan/target';
const REF = /^(?:HEAD|refs\/[^\s:^~?*[\\\u0000-\u001f\u007f]+)$/;
/** `http.curloptResolve`, which pins the address, came with 2.37; older ones would ignore it silently. */
const NEEDED = [2, 37] as const;

/** Why git cannot be used here, in words for a client; null where it can. */
export async function gitUnavailable(signal: AbortSignal = AbortSignal.timeout(10_000)): Promise<string | null> {
  const { status, stdout } = await runBounded('git', ['--version'], { env: gitEnvironment('/'), cwd: '/', signal, limits: { memoryBytes: MEMORY_BYTES, fileBytes: 0, outputBytes: MIB } });
  if (status !== 0) return 'The program git is not installed on this server, so that repositories cannot be fetched.';
  const [, major = 0, minor = 0] = /(\d+)\.(\d+)/.exec(stdout.toString('utf8'))?.map(Number) ?? [];
  const isNew = major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1]);
  return isNew ? null : `The program git of this server is older than ${NEEDED.join('.')}, which fetching repositories needs.`;
}

/** Is this a name that a ref may have (git-check-ref-format), and one that no program takes for an option? */
export function isRefName(ref: string): boolean {
  const bad = /^-|[\s:^~?*[\\\u0000-\u0020\u007f]|\.\.|@\{|\/\/|^\/|\/$|\.$|(?:^|\/)\.|\.lock(?:\/|$)/;
  return ref !== '' && ref !== '@' && !bad.test(ref);
}

/** Fetches; throws GitFault, or the reason of the signal. */
export async function fetchGit(request: GitRequest): Promise<GitSource> {
  const { limits, workspace, signal } = request;
  const deadline = AbortSignal.timeout(limits.timeoutMs);
  const both = AbortSignal.any([signal, deadline]);
  return explained(request, deadline, async () => {
    const remote = parseRemote(request.url);
    const access = await accessTo(remote, await addressesOf(request.guard, remote.host), request);
    const folder = path.join(workspace, 'repository');
    await mkdir(folder);
    const git = (args: readonly string[], env: Readonly<Record<string, string>> = {}, input = '', outputBytes = LIST_BYTES): Promise<BoundedEnd> =>
      runBounded('git', args, {
        env: { ...gitEnvironment(workspace), GIT_DIR: folder, ...env }, cwd: workspace, signal: both, input,
        limits: { memoryBytes: MEMORY_BYTES, fileBytes: limits.packBytes, outputBytes },
      });
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

type Git = (args: readonly string[], env?: Readonly<Record<string, string>>, input?: string, outputBytes?: number) => Promise<BoundedEnd>;

async function addressesOf(guard: AddressGuard, host: string): Promise<ResolvedAddress[]> {
  try {
    return await guard.resolve(host);
  } catch (error) {
    if (error instanceof AddressError) throw new GitFault(error.code === 'refused' ? 'git-address-refused' : 'git-unreachable', error.message);
    throw error;
  }
}

function orThrow(end: BoundedEnd): BoundedEnd {
  if (end.status !== 0) throw end.status === 127 ? new GitFault('git-unavailable', 'The program git is not installed on this server.') : faultOf(end.stderr);
  return end;
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
    const fault = end.status === 127 ? new GitFault('git-unavailable', 'The program git is not installed on this server.') : faultOf(end.stderr);
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

async function readTree(git: Git, commit: string, wanted: (path: string) => boolean, limits: GitLimits): Promise<{ files: { path: string; data: Buffer }[]; warnings: string[] }> {
  const listing = orThrow(await git(['ls-tree', '-r', '-l', '-z', '--full-tree', commit])).stdout.toString('utf8').split('\0');
  if (listing.length > limits.entries) throw new GitFault('git-too-large', `The repository holds more than ${limits.entries} files.`);
  const warnings: string[] = [];
  const chosen: { oid: string; size: number; path: string }[] = [];
  let total = 0;
  for (const line of listing) {
    const [, mode = '', kind = '', oid = '', size = '', name = ''] = /^(\d+) (\w+) ([0-9a-f]+) +(\d+|-)\t([\s\S]+)$/.exec(line) ?? [];
    if (kind === 'commit') warnings.push(`${name.slice(0, 200)} is a submodule, which is not fetched; scan it as a project of its own`);
    if (kind !== 'blob' || mode === '120000' || name.length > MAX_PATH || !wanted(name)) continue;
    if (Number(size) > limits.fileBytes) warnings.push(`${name.slice(0, 200)} is larger than ${limits.fileBytes} bytes and was passed over`);
    else chosen.push({ oid, size: Number(size), path: name });
    total += Number(size) > limits.fileBytes ? 0 : Number(size);
  }
  if (total > limits.wantedBytes) throw new GitFault('git-too-large', `The lock files of the repository are larger than ${limits.wantedBytes} bytes together.`);
  if (chosen.length === 0) return { files: [], warnings };
  const { stdout } = orThrow(await git(['cat-file', '--batch'], {}, chosen.map(({ oid }) => `${oid}\n`).join(''), total + chosen.length * 128 + MIB));
  return { files: sliceBatch(stdout, chosen), warnings };
}

/** `<commit>:<path>\0<line>\0<text>\n` for each; status 1 says that there is none. */
async function findLines(git: Git, commit: string, text: string, endings: readonly string[]): Promise<{ path: string; line: number; text: string }[] | null> {
  const { status, stdout } = await git(['grep', '-I', '-n', '-z', '-F', '--no-color', '-e', text, commit, '--', ...endings.map((ending) => `:(icase)*.${ending}`)], {}, '', LIST_BYTES);
  if (status !== 0 && status !== 1) return null;
  return stdout.toString('utf8').split('\n').flatMap((record) => {
    const [place = '', line = '', found] = record.split('\0');
    return found === undefined ? [] : [{ path: place.slice(commit.length + 1), line: Number(line), text: found }];
  });
}

/** `<oid> blob <size>\n<content>\n` for each, in the order asked. */
function sliceBatch(batch: Buffer, chosen: readonly { size: number; path: string }[]): { path: string; data: Buffer }[] {
  let at = 0;
  return chosen.map(({ size, path: name }) => {
    const start = batch.indexOf(10, at) + 1;
    at = start + size + 1;
    if (start === 0 || at > batch.length) throw new GitFault('git-failed', 'The repository is damaged.');
    return { path: name, data: batch.subarray(start, start + size) };
  });
}
