/** The SBOM of a project's scan. */
import { createHash } from 'node:crypto';
import packageJson from '../../../package.json' with { type: 'json' };
import { DomainError } from '../../core/errors.ts';
import { documentComponents } from '../../db/components.ts';
import { documentFindings, findingsState } from '../../db/findings.ts';
import { findScan, type ScanRow } from '../../db/scans.ts';
import type { ProjectRow } from '../../db/projects.ts';
import type { Context } from '../context.ts';
import type { DocumentHead, DocumentWriter } from '../formats/document.ts';
import type { SbomFormat } from '../formats/sbom-format.ts';
import { writeCycloneDxJson } from '../formats/write-cyclonedx-json.ts';
import { writeCycloneDxXml } from '../formats/write-cyclonedx-xml.ts';
import { writeSpdxJson } from '../formats/write-spdx-json.ts';
import { writeSpdxTagValue } from '../formats/write-spdx-tv.ts';
import { getProject, scanInView } from '../projects/read.ts';

const TOOL = { name: packageJson.name, version: packageJson.version };
const FORMATS = {
  'cyclonedx-json': { write: writeCycloneDxJson, mediaType: 'application/vnd.cyclonedx+json', extension: 'cdx.json' },
  'cyclonedx-xml': { write: writeCycloneDxXml, mediaType: 'application/vnd.cyclonedx+xml', extension: 'cdx.xml' },
  'spdx-json': { write: writeSpdxJson, mediaType: 'application/spdx+json', extension: 'spdx.json' },
  'spdx-tv': { write: writeSpdxTagValue, mediaType: 'text/spdx', extension: 'spdx' },
} as const satisfies Record<SbomFormat, { write: DocumentWriter; mediaType: string; extension: string }>;

/** A document about a project's scan. */
export interface ProjectDocument<MediaType extends string> {
  /** Strong: the same tag, the same bytes. */
  etag: string;
  mediaType: MediaType;
  fileName: string;
  text: AsyncIterable<string>;
}

/** The current scan, or the named one, as a document; one without components where the project has no succeeded scan. */
export async function exportSbom(context: Context, projectId: string, scanId: string | undefined, format: SbomFormat): Promise<ProjectDocument<(typeof FORMATS)[SbomFormat]['mediaType']>> {
  const { write, mediaType, extension } = FORMATS[format];
  const { project, scan } = await subjectOf(context, projectId, scanId);
  const head = headOf(project, scan);
  const state = scan === undefined ? '' : await findingsState(context.db, scan.id);
  const digest = createHash('sha256').update(JSON.stringify([head, state, format])).digest('base64url').slice(0, 27);
  const text = write({
    head,
    components: () => (scan === undefined ? nothing() : documentComponents(context.db, scan.id)),
    findings: () => (scan === undefined ? Promise.resolve([]) : documentFindings(context.db, scan.id)),
  });
  return { etag: `"${digest}"`, mediaType, fileName: `${project.slug}.${extension}`, text };
}

/** What a document is about: the project, and the named scan, else the current one, if there is any. Throws not-found, scan-not-finished. */
export async function subjectOf(context: Context, projectId: string, scanId: string | undefined): Promise<{ project: ProjectRow; scan: ScanRow | undefined }> {
  const project = await getProject(context, projectId);
  const viewed = await scanInView(context, projectId, scanId);
  const scan = viewed === null ? undefined : await findScan(context.db, viewed);
  if (scan !== undefined && scan.status !== 'succeeded') throw new DomainError('scan-not-finished', `The scan is ${scan.status} and has no results.`);
  return { project, scan };
}

export function headOf(project: ProjectRow, scan: ScanRow | undefined): DocumentHead {
  return {
    id: scan?.id ?? project.id,
    product: { name: project.name, version: scan?.commit_sha ?? scan?.ref ?? null, description: project.description },
    timestamp: scan?.completed_at ?? project.created_at,
    tool: TOOL,
  };
}

async function* nothing(): AsyncGenerator<never> {
  // no scan, no components
}
