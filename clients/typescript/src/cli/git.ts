/** What git says of a folder; nothing where it is no work tree or git is not there. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { repositoryOf, type Origin } from './detect.ts';

const run = promisify(execFile);
const MAX_OUTPUT = 256 * 1024 * 1024;

async function git(folder: string, ...args: string[]): Promise<string | undefined> {
  try {
    return (await run('git', ['-C', folder, ...args], { maxBuffer: MAX_OUTPUT })).stdout;
  } catch {
    return undefined;
  }
}

export async function gitOrigin(folder: string): Promise<Origin> {
  const [commit, branch, remote] = await Promise.all([git(folder, 'rev-parse', '--verify', '-q', 'HEAD'), git(folder, 'symbolic-ref', '-q', '--short', 'HEAD'), git(folder, 'remote', 'get-url', 'origin')]);
  return { commit: commit?.trim(), ref: branch?.trim(), repository: repositoryOf(remote?.trim()) };
}

/** Files under the folder that are tracked, or neither tracked nor ignored, with `/`; undefined where git does not know. */
export async function gitFiles(folder: string): Promise<string[] | undefined> {
  const listed = await git(folder, 'ls-files', '-z', '--cached', '--others', '--exclude-standard');
  return listed === undefined ? undefined : [...new Set(listed.split('\0').filter((name) => name !== ''))];
}
