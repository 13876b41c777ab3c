/** What every document of a project is about: the scan in view, and a tag that changes with its content. */
import { createHash } from 'node:crypto';
import packageJson from '../../../package.json' with { type: 'json' };
import { DomainError } from '../../core/errors.ts';
import { documentComponents } from '../../db/components.ts';
import { contentState, licenseTexts, teamName } from '../../db/documents.ts';
import { documentFindings } from '../../db/scan-findings.ts';
import { findScan, type ScanRow } from '../../db/scans.ts';
import type { ProjectRow } from '../../db/projects.ts';
import type { Context } from '../context.ts';
import type { DocumentHead, DocumentSource } from '../formats/document.ts';
import { getProject, scanInView } from '../projects/read.ts';

export const TOOL = { name: packageJson.name, version: packageJson.version };

export interface DocumentView {
  project: ProjectRow;
  /** Undefined where the project has no succeeded scan. */
  scan: ScanRow | undefined;
  source: DocumentSource;
}

/** A document about a project's scan. */
export interface ProjectDocument<MediaType extends string> {
  /** Strong: the same tag, the same bytes. */
  etag: string;
  mediaType: MediaType;
  fileName: string;
  /** Content-Security-Policy of a page; null or absent where it is none. */
  policy?: string | null;
  text: AsyncIterable<string>;
}

/** The current scan, or the named one; a view without components where the project has no succeeded scan. Throws not-found, scan-not-finished. */
export async function viewForDocument(context: Context, projectId: string, scanId: string | undefined): Promise<DocumentView> {
  const project = await getProject(context, projectId);
  const viewed = await scanInView(context, projectId, scanId);
  const scan = viewed === null ? undefined : await findScan(context.db, viewed);
  if (scan !== undefined && scan.status !== 'succeeded') throw new DomainError('scan-not-finished', `The scan is ${scan.status} and has no results. Name one that has succeeded, or none for the current one.`);
  const source: DocumentSource = {
    head: headOf(project, scan, await teamName(context.db, project.team_id)),
    components: () => (scan === undefined ? nothing() : whole(scan.id, scan.component_count ?? 0, documentComponents(context.db, scan.id))),
    findings: () => (scan === undefined ? Promise.resolve([]) : documentFindings(context.db, scan.id)),
    licenseTexts: () => (scan === undefined ? Promise.resolve(new Map()) : licenseTexts(context.db, scan.id)),
  };
  return { project, scan, source };
}

/** The tag of a document that shows components. @param parts whatever else the bytes depend on: the format, findings, options */
export async function componentsTag(context: Context, { scan, source }: DocumentView, parts: readonly unknown[]): Promise<string> {
  return tagOf([source.head, scan === undefined ? '' : await contentState(context.db, scan.id), parts]);
}

/** @param content all that the bytes depend on */
export function tagOf(content: readonly unknown[]): string {
  return `"${createHash('sha256').update(JSON.stringify(content)).digest('base64url').slice(0, 27)}"`;
}

function headOf(project: ProjectRow, scan: ScanRow | undefined, author: string): DocumentHead {
  return {
    id: scan?.id ?? project.id,
    product: { name: project.name, version: scan?.commit_sha ?? scan?.ref ?? null, description: project.description },
    author,
    timestamp: scan?.completed_at ?? project.created_at,
    tool: TOOL,
  };
}

/** A scan may be swept away, or its project purged, while its document is on the way: it must not end as if it were whole. */
export async function* whole<Row>(scanId: string, count: number, batches: AsyncIterable<readonly Row[]>): AsyncGenerator<readonly Row[]> {
  let seen = 0;
  for await (const batch of batches) {
    seen += batch.length;
    yield batch;
  }
  if (seen !== count) throw new Error(`the document of scan ${scanId} has ${seen} of ${count} components: the scan was removed meanwhile`);
}

async function* nothing(): AsyncGenerator<never> {
  // no scan, no components
}
