/** What the triage of a scan's findings says, as a VEX document. */
import { createHash } from 'node:crypto';
import { owningTeam, vexRevision, vexRows } from '../../db/vex.ts';
import type { Context } from '../context.ts';
import { writeVex } from '../vex/write.ts';
import type { VexFormat } from '../vex/vocabulary.ts';
import { headOf, subjectOf, type ProjectDocument } from './sbom.ts';

const FORMATS = {
  openvex: { mediaType: 'application/json', extension: 'openvex.json' },
  cyclonedx: { mediaType: 'application/vnd.cyclonedx+json', extension: 'vex.cdx.json' },
} as const satisfies Record<VexFormat, { mediaType: string; extension: string }>;

/** Of the current scan or the named one; without statements where the project has no succeeded scan. Throws not-found, scan-not-finished. */
export async function exportVex(context: Context, projectId: string, scanId: string | undefined, format: VexFormat): Promise<ProjectDocument<(typeof FORMATS)[VexFormat]['mediaType']>> {
  const { db } = context;
  const { mediaType, extension } = FORMATS[format];
  const { project, scan } = await subjectOf(context, projectId, scanId);
  const head = headOf(project, scan);
  const author = await owningTeam(db, project.id);
  const { revision, newest, state } = scan === undefined ? { revision: 1, newest: null, state: '' } : await vexRevision(db, scan.id);
  const digest = createHash('sha256').update(JSON.stringify(['vex', head, author, revision, newest, state, format])).digest('base64url').slice(0, 27);
  const text = writeVex[format]({ head, author, revision, updated: newest ?? head.timestamp, rows: () => (scan === undefined ? Promise.resolve([]) : vexRows(db, scan.id)) });
  return { etag: `"${digest}"`, mediaType, fileName: `${project.slug}.${extension}`, text };
}
