/** `portal scan`: packs or takes what is there, queues the scan, follows it, and shows the gate. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Schema } from '../client.ts';
import { PortalProblem } from '../problem.ts';
import { uploadArchive, uploadSbom, type UploadFields } from '../upload.ts';
import { waitForScan } from '../wait-for-scan.ts';
import { detectOrigin, type Origin } from './detect.ts';
import { explain, UsageFault } from './faults.ts';
import { gitOrigin } from './git.ts';
import { packFolder } from './pack.ts';
import { progressLine, type ProgressLine } from './progress.ts';
import { PASSED, report } from './report.ts';
import { findProject, linkOf, loadResult } from './result.ts';
import { formatOf, numberOf, type Call } from './settings.ts';
import { kindOfSource } from './source.ts';
import { writeDocument } from './write.ts';

const MIB = 1024 * 1024;
const MAX_MIB = 1_000_000;

/** Returns the exit code. */
export async function scan(call: Call): Promise<number> {
  const { args, io, client, signal } = call;
  formatOf(args, 'scan'); // a wrong one is told before anything is sent
  const maxBytes = numberOf(args, 'max-size', 256, MAX_MIB) * MIB;
  const source = path.resolve(io.cwd, args.path ?? '.');
  const kind = await kindOfSource(source);
  const origin = await originOf(call, kind === 'folder' ? source : io.cwd);
  const request = requestNumber(args.text('pr-comment'), origin);
  const project = await findProject(client, call.project, signal);
  const progress = progressLine(io.progress, io.isTerminal);
  const folder = await mkdtemp(path.join(tmpdir(), 'portal-'));
  try {
    const file = kind === 'folder' ? path.join(folder, 'source.tar.gz') : source;
    if (kind === 'folder') {
      const { files, bytes, passedOver } = await packFolder(source, file, maxBytes, signal);
      progress.note(`Packed ${files} files, ${(bytes / MIB).toFixed(1)} MiB${passedOver > 0 ? `; ${passedOver} links or folders of other repositories passed over` : ''}.`);
    }
    const fields: UploadFields = { signal, ...(origin.ref === undefined ? {} : { ref: origin.ref }), ...(origin.commit === undefined ? {} : { commitSha: origin.commit }) };
    const queued = await queue(call, progress, () => (kind === 'sbom' ? uploadSbom : uploadArchive)(client, project.id, file, fields));
    progress.note(`Queued scan ${queued.id}: ${linkOf(client.baseUrl, project.id, queued.id)}`);
    if (args.flag('no-wait')) {
      await writeDocument(formatOf(args, 'scan') === 'json' ? `${JSON.stringify({ scan: queued }, null, 2)}\n` : `${queued.id}\n`, args.text('output'), io.stdout);
      return PASSED;
    }
    await follow(call, progress, queued.id);
    const result = await loadResult(client, project, queued.id, signal);
    const code = await report(call, result);
    if (request !== null) await comment(call, progress, queued.id, request, origin);
    return code;
  } finally {
    progress.end();
    await rm(folder, { recursive: true, force: true });
  }
}

async function follow({ client, signal, timeoutMs }: Call, progress: ProgressLine, scanId: string): Promise<void> {
  await waitForScan(client, scanId, { timeoutMs, signal, onProgress: progress.tell });
  progress.end();
}

/** One scan of a ref runs at a time: where one does, this comes after it. */
async function queue(call: Call, progress: ProgressLine, upload: () => Promise<Schema<'Scan'>>): Promise<Schema<'Scan'>> {
  for (;;) {
    try {
      return await upload();
    } catch (error) {
      const active = error instanceof PortalProblem && error.slug === 'scan-in-progress' ? error.document['active_scan_id'] : undefined;
      if (typeof active !== 'string' || call.args.flag('no-wait')) throw error;
      progress.note(`Scan ${active} of the same ref is running: waiting for its end.`);
      await follow(call, progress, active);
    }
  }
}

async function originOf({ args, io }: Call, folder: string): Promise<Origin> {
  const eventFile = io.env['GITHUB_EVENT_PATH'];
  const event: unknown = eventFile === undefined ? null : await readFile(eventFile, 'utf8').then(JSON.parse).catch(() => null);
  const found = detectOrigin(io.env, event, await gitOrigin(folder));
  return { ...found, ref: args.text('ref') ?? found.ref, commit: args.text('commit') ?? found.commit, repository: args.text('repo') ?? found.repository };
}

/** Null: no comment. Throws UsageFault. */
function requestNumber(text: string | undefined, { request, repository }: Origin): number | null {
  if (text === undefined || (text === 'auto' && request === undefined)) return null;
  const number = text === 'auto' ? request : Number(text);
  if (number === undefined || !Number.isInteger(number) || number < 1) throw new UsageFault(`--pr-comment takes the number of a pull or merge request, or auto; not '${text}'.`);
  if (repository === undefined) throw new UsageFault('Give the repository of the pull request by --repo OWNER/NAME: neither CI variables nor git tell it.');
  return number;
}

/** The gate is known by now: a comment that fails is a warning and does not change the exit code. */
async function comment({ client, signal }: Call, progress: ProgressLine, scanId: string, number: number, { repository = '' }: Origin): Promise<void> {
  try {
    const { data } = await client.POST('/v1/scans/{id}/post-pr-comment', { params: { path: { id: scanId } }, body: { repo_full_name: repository, pr_number: number }, signal });
    progress.note(`Commented on ${repository} ${number}: ${data?.comment_url ?? ''}`);
  } catch (error) {
    for (const line of explain(error)) progress.note(`warning: no comment on ${repository} ${number}: ${line}`);
  }
}
