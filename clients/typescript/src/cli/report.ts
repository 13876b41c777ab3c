/** Shows a result in the format that was asked for, and says what it means for the exit code. */
import type { ReadableStream } from 'node:stream/web';
import { ScanFault } from './faults.ts';
import { junitOf } from './junit.ts';
import type { Result } from './result.ts';
import { formatOf, type Call } from './settings.ts';
import { tableOf } from './table.ts';
import { writeDocument } from './write.ts';

export const PASSED = 0;
const FAILED = 1;
export const NO_RESULT = 2;

/** Writes it, and returns the exit code. Throws ScanFault where there is nothing to judge. */
export async function report(call: Call, result: Result): Promise<number> {
  const { args, io } = call;
  if (result.gate.gate === 'pending') throw new ScanFault(result.scan === null ? 'The project has no scan that succeeded: run `portal scan`.' : `The scan ${result.scan.id} has not ended yet.`);
  if (result.scan !== null && result.scan.status !== 'succeeded') throw new ScanFault(`The scan ${result.scan.id} ${result.scan.status === 'failed' ? `failed: ${result.scan.error?.message ?? 'the portal does not say why'}` : 'was cancelled'}.`);
  const format = formatOf(args, args.command === 'gate' ? 'gate' : 'scan');
  const file = args.text('output');
  if (file !== undefined || format === 'table') await writeDocument(tableOf(result), undefined, io.stdout);
  if (file !== undefined || format !== 'table') await writeDocument(await documentOf(call, result, format), file, io.stdout);
  const failed = result.gate.gate === 'fail' || (result.gate.gate === 'warn' && args.flag('warn-as-error'));
  return failed ? FAILED : PASSED;
}

async function documentOf({ args, client, signal }: Call, result: Result, format: 'table' | 'json' | 'sarif' | 'junit'): Promise<string | ReadableStream> {
  if (format === 'table') return tableOf(result);
  if (format === 'json') return `${JSON.stringify(result, null, 2)}\n`;
  if (format === 'junit') return junitOf(result, args.flag('warn-as-error'));
  const query = result.gate.scan_id === null ? '' : `?scan_id=${result.gate.scan_id}`;
  return download(client, `/v1/projects/${result.project.id}/sarif${query}`, signal);
}

/** A document of the portal, as it comes. */
export async function download(client: Call['client'], path: string, signal: AbortSignal): Promise<ReadableStream> {
  const { body } = await client.send(() => new Request(client.baseUrl + path, { signal, redirect: 'manual' }));
  if (body === null) throw new ScanFault(`The portal sent nothing for ${path}.`);
  return body;
}
