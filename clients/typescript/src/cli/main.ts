/** The command line: `portal scan`, `gate`, `sbom`, `notice`. Standard output has the result, standard error everything else. */
import { contractVersion } from '../generated/contract.ts';
import { PortalTimeout } from '../problem.ts';
import { explain, UsageFault } from './faults.ts';
import { helpText, parseCommandLine } from './options.ts';
import { download, NO_RESULT, PASSED, report } from './report.ts';
import { findProject, loadResult } from './result.ts';
import { scan } from './scan.ts';
import { callOf, formatOf, type Call, type Io } from './settings.ts';
import { writeDocument } from './write.ts';

/** Returns the exit code. */
async function run(argv: readonly string[], io: Io): Promise<number> {
  const args = parseCommandLine(argv, io.env);
  if (args.show === null) return carryOut(callOf(args, io));
  const text = args.show === 'version' ? contractVersion : helpText(args.command);
  await writeDocument(`${text}\n`, undefined, io.stdout);
  return argv.length === 0 ? NO_RESULT : PASSED;
}

async function carryOut(call: Call): Promise<number> {
  try {
    const { command } = call.args;
    if (command === 'scan') return await scan(call);
    if (command === 'gate') return await gate(call);
    return await document(call, command);
  } catch (error) {
    if (call.io.signal.aborted) throw new UsageFault('Interrupted. A scan that was queued goes on at the portal.');
    if (call.signal.aborted) throw new PortalTimeout(`There is no result after ${call.timeoutMs / 1000} s. A scan that was queued goes on at the portal.`, { cause: error });
    throw error;
  }
}

async function gate(call: Call): Promise<number> {
  const project = await findProject(call.client, call.project, call.signal);
  return report(call, await loadResult(call.client, project, call.args.text('scan-id') ?? null, call.signal));
}

async function document(call: Call, command: 'sbom' | 'notice'): Promise<number> {
  const query = new URLSearchParams({ format: formatOf(call.args, command) });
  const scanId = call.args.text('scan-id');
  if (scanId !== undefined) query.set('scan_id', scanId);
  const { id } = await findProject(call.client, call.project, call.signal);
  await writeDocument(await download(call.client, `/v1/projects/${id}/${command}?${query.toString()}`, call.signal), call.args.text('output'), call.io.stdout);
  return PASSED;
}

const interrupt = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupt.abort());
const error = (text: string): void => void process.stderr.write(text);
try {
  process.exitCode = await run(process.argv.slice(2), { env: process.env, cwd: process.cwd(), stdout: process.stdout, progress: error, isTerminal: process.stderr.isTTY && process.env['CI'] === undefined, signal: interrupt.signal });
} catch (fault) {
  error(`portal: ${explain(fault).join('\n')}\n`);
  process.exitCode = NO_RESULT;
}
