/** VEX documents, out and in. */
import { exportVex } from '../../domain/documents/vex.ts';
import { importVex, type VexImport } from '../../domain/vex/import.ts';
import { documentReply, ok } from '../reply.ts';
import type { Handlers } from '../types.ts';

function toReport({ format, entries }: VexImport) {
  const count = (outcome: string): number => entries.filter((entry) => entry.outcome === outcome).length;
  return {
    format, matched: entries.length - count('unmatched'), applied: count('applied'), unchanged: count('unchanged'), skipped: count('skipped') + count('unmatched'),
    statements: entries.map(({ vulnerability, product, outcome, findingId, status }) => ({ vulnerability, product, outcome, finding_id: findingId, status })),
    errors: entries.flatMap(({ vulnerability, product, problem }) => (problem === null ? [] : [{ vulnerability, product, ...problem }])),
  };
}

export const vex = {
  getProjectVex: async (context, { path, query, headers }) => documentReply(headers['if-none-match'], await exportVex(context, path.id, query.scan_id, query.format ?? 'openvex')),
  importProjectVex: async (context, { path, form }) => ok(toReport(await importVex(context, path.id, form?.files ?? []))),
} satisfies Partial<Handlers>;
