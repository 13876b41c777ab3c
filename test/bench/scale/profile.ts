/** What a CPU profile of V8 says: where the time went, by function and by package. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

interface Profile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  samples: number[];
  timeDeltas: number[];
}

/** Ours by file, others by package, V8's and Node's own by name. */
function ownerOf(url: string): string {
  const [, scoped] = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url) ?? [];
  return scoped ?? /(?:src|generated)\/.*$/.exec(url)?.[0] ?? (url === '' ? '(native)' : url);
}

/** Lines of a table: self time of the most costly functions and owners, of all that was not idle. */
export async function summarise(folder: string, lines: number): Promise<string[]> {
  const [file] = (await readdir(folder)).filter((name) => name.endsWith('.cpuprofile')).sort();
  if (file === undefined) throw new Error(`no profile in ${folder}`);
  // eslint-disable-next-line @typescript-eslint/no-unsafe-assignment -- V8 wrote it
  const profile: Profile = JSON.parse(await readFile(path.join(folder, file), 'utf8'));
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const functions = new Map<string, number>();
  const owners = new Map<string, number>();
  let busy = 0;
  profile.samples.forEach((id, index) => {
    const frame = frames.get(id);
    if (frame === undefined || ['(idle)', '(root)'].includes(frame.functionName)) return;
    const time = profile.timeDeltas[index] ?? 0;
    busy += time;
    const owner = ownerOf(frame.url);
    const name = `${frame.functionName || '(anonymous)'} ${owner}:${frame.lineNumber + 1}`;
    functions.set(name, (functions.get(name) ?? 0) + time);
    owners.set(owner, (owners.get(owner) ?? 0) + time);
  });
  const top = (costs: ReadonlyMap<string, number>): string[] => [...costs].toSorted(([, a], [, b]) => b - a).slice(0, lines).map(([name, time]) => `| ${name} | ${((100 * time) / busy).toFixed(1)} % |`);
  return [`| busy ${(busy / 1e6).toFixed(1)} s: function | self |`, '|---|---|', ...top(functions), '', '| package or file | self |', '|---|---|', ...top(owners)];
}
