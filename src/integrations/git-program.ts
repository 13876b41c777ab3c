/** The program git: whether it can be used, and how it is run, within bounds and apart from the machine's settings. */
import { runBounded, type BoundedEnd } from './bounded-process.ts';
import { faultOf, GitFault } from './git-faults.ts';
import { gitEnvironment } from './git-remote.ts';

/** Runs git in one repository. @param outputBytes more of it is OutputTooLarge */
export type Git = (args: readonly string[], env?: Readonly<Record<string, string>>, input?: string, outputBytes?: number) => Promise<BoundedEnd>;

const MIB = 1024 * 1024;
const MEMORY_BYTES = 3072 * MIB;
const LIST_BYTES = 128 * MIB;
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

/** @param folder the repository @param fileBytes the largest file that git may write */
export function gitIn(folder: string, workspace: string, fileBytes: number, signal: AbortSignal): Git {
  return (args, env = {}, input = '', outputBytes = LIST_BYTES) => runBounded('git', args, {
    env: { ...gitEnvironment(workspace), GIT_DIR: folder, ...env }, cwd: workspace, signal, input, limits: { memoryBytes: MEMORY_BYTES, fileBytes, outputBytes },
  });
}

/** What a run says that did not end well. */
export const faultOfRun = ({ status, stderr }: BoundedEnd): GitFault =>
  (status === 127 ? new GitFault('git-unavailable', 'The program git is not installed on this server.') : faultOf(stderr));

/** Throws GitFault where the run did not end well. */
export function orThrow(end: BoundedEnd): BoundedEnd {
  if (end.status !== 0) throw faultOfRun(end);
  return end;
}
