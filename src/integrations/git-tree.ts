/** Files and lines of one commit, read from the object store. */
import { OutputTooLarge } from './bounded-process.ts';
import { GitFault } from './git-faults.ts';
import { orThrow, type Git } from './git-program.ts';

export interface TreeLimits {
  /** Of one wanted file, and of all together. */
  fileBytes: number;
  wantedBytes: number;
  entries: number;
}

export interface TreeFiles {
  files: { path: string; data: Buffer }[];
  warnings: string[];
}

export interface FoundLine {
  path: string;
  /** From 1. */
  line: number;
  text: string;
}

const MAX_PATH = 1024;
const HEADROOM_BYTES = 1024 * 1024;

/** The wanted files of a commit; links and submodules are never among them. Throws GitFault, also where they are more than the limits allow. */
export async function readTree(git: Git, commit: string, wanted: (path: string) => boolean, limits: TreeLimits): Promise<TreeFiles> {
  const listing = orThrow(await git(['ls-tree', '-r', '-l', '-z', '--full-tree', commit])).stdout.toString('utf8').split('\0');
  if (listing.length > limits.entries) throw new GitFault('git-too-large', `The repository holds more than ${limits.entries} files.`);
  const warnings: string[] = [];
  const chosen: { oid: string; size: number; path: string }[] = [];
  let total = 0;
  for (const line of listing) {
    const [, mode = '', kind = '', oid = '', size = '', name = ''] = /^(\d+) (\w+) ([0-9a-f]+) +(\d+|-)\t([\s\S]+)$/.exec(line) ?? [];
    if (kind === 'commit') warnings.push(`${name.slice(0, 200)} is a submodule, which is not fetched; scan it as a project of its own`);
    if (kind !== 'blob' || mode === '120000' || name.length > MAX_PATH || !wanted(name)) continue;
    const bytes = Number(size);
    if (bytes > limits.fileBytes) warnings.push(`${name.slice(0, 200)} is larger than ${limits.fileBytes} bytes and was passed over`);
    else {
      chosen.push({ oid, size: bytes, path: name });
      total += bytes;
    }
  }
  if (total > limits.wantedBytes) throw new GitFault('git-too-large', `The lock files of the repository are larger than ${limits.wantedBytes} bytes together.`);
  if (chosen.length === 0) return { files: [], warnings };
  const { stdout } = orThrow(await git(['cat-file', '--batch'], {}, chosen.map(({ oid }) => `${oid}\n`).join(''), total + chosen.length * 128 + HEADROOM_BYTES));
  return { files: sliceBatch(stdout, chosen), warnings };
}

/** Lines of a commit that hold the text, of files with these endings; null where git cannot search them, or there are more lines than anybody reads. */
export async function findLines(git: Git, commit: string, text: string, endings: readonly string[]): Promise<FoundLine[] | null> {
  const searched = await git(['grep', '-I', '-n', '-z', '-F', '--no-color', '-e', text, commit, '--', ...endings.map((ending) => `:(icase)*.${ending}`)]).catch((error: unknown) => {
    if (error instanceof OutputTooLarge) return null;
    throw error;
  });
  if (searched === null || (searched.status !== 0 && searched.status !== 1)) return null; // 1 says that there is none
  // `<commit>:<path>\0<line>\0<text>\n` for each
  return searched.stdout.toString('utf8').split('\n').flatMap((record) => {
    const [place = '', line = '', found] = record.split('\0');
    return found === undefined ? [] : [{ path: place.slice(commit.length + 1), line: Number(line), text: found }];
  });
}

/** `<oid> blob <size>\n<content>\n` for each, in the order asked. */
function sliceBatch(batch: Buffer, chosen: readonly { size: number; path: string }[]): TreeFiles['files'] {
  let at = 0;
  return chosen.map(({ size, path: name }) => {
    const start = batch.indexOf(10, at) + 1;
    at = start + size + 1;
    if (start === 0 || at > batch.length) throw new GitFault('git-failed', 'The repository is damaged.');
    return { path: name, data: batch.subarray(start, start + size) };
  });
}
