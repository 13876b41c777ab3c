/** What the triage of a scan's findings says, as a VEX document. */
import { vexRevision, vexRows } from '../../db/vex.ts';
import type { Context } from '../context.ts';
import { writeVex } from '../vex/write.ts';
import type { VexFormat } from '../vex/vocabulary.ts';
import { tagOf, viewForDocument, type ProjectDocument } from './view.ts';

const FORMATS = {
  openvex: { mediaType: 'application/json', extension: 'openvex.json' },
  cyclonedx: { mediaType: 'application/vnd.cyclonedx+json', extension: 'vex.cdx.json' },
} as const satisfies Record<VexFormat, { mediaType: string; extension: string }>;

/** Of the current scan or the named one; without statements where the project has no succeeded scan. Throws not-found, scan-not-finished. */
export async function exportVex(context: Context, projectId: string, scanId: string | undefined, format: VexFormat): Promise<ProjectDocument<(typeof FORMATS)[VexFormat]['mediaType']>> {
  const { db } = context;
  const { mediaType, extension } = FORMATS[format];
  const { project, scan, source: { head } } = await viewForDocument(context, projectId, scanId);
  const { revision, newest, state } = scan === undefined ? { revision: 1, newest: null, state: '' } : await vexRevision(db, scan.id);
  const text = writeVex[format]({ head, revision, updated: newest ?? head.timestamp, rows: () => (scan === undefined ? Promise.resolve([]) : vexRows(db, scan.id)) });
  return { etag: tagOf(['vex', head, revision, newest, state, format]), mediaType, fileName: `${project.slug}.${extension}`, text };
}
