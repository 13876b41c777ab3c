/** The SBOM of a project's scan. */
import { findingsState } from '../../db/scan-findings.ts';
import type { Context } from '../context.ts';
import type { DocumentWriter } from '../formats/document.ts';
import type { SbomFormat } from '../formats/sbom-format.ts';
import { writeCycloneDxJson } from '../formats/write-cyclonedx-json.ts';
import { writeCycloneDxXml } from '../formats/write-cyclonedx-xml.ts';
import { writeSpdxJson } from '../formats/write-spdx-json.ts';
import { writeSpdxTagValue } from '../formats/write-spdx-tv.ts';
import { documentKey } from './keys.ts';
import { signedDigest } from './sign.ts';
import { componentsTag, tagOf, viewForDocument, type DocumentView, type ProjectDocument } from './view.ts';

const FORMATS = {
  'cyclonedx-json': { write: writeCycloneDxJson, mediaType: 'application/vnd.cyclonedx+json', extension: 'cdx.json' },
  'cyclonedx-xml': { write: writeCycloneDxXml, mediaType: 'application/vnd.cyclonedx+xml', extension: 'cdx.xml' },
  'spdx-json': { write: writeSpdxJson, mediaType: 'application/spdx+json', extension: 'spdx.json' },
  'spdx-tv': { write: writeSpdxTagValue, mediaType: 'text/spdx', extension: 'spdx' },
} as const satisfies Record<SbomFormat, { write: DocumentWriter; mediaType: string; extension: string }>;

type SbomDocument = ProjectDocument<(typeof FORMATS)[SbomFormat]['mediaType']>;

/** The current scan, or the named one, as a document; one without components where the project has no succeeded scan. Throws not-found, scan-not-finished. */
export async function exportSbom(context: Context, projectId: string, scanId: string | undefined, format: SbomFormat): Promise<SbomDocument> {
  return sbomOf(context, await viewForDocument(context, projectId, scanId), format);
}

/** A signed statement of the SHA-256 of the very bytes that exportSbom gives. Throws as that does. */
export async function exportSbomSignature(context: Context, projectId: string, scanId: string | undefined, format: SbomFormat): Promise<ProjectDocument<'application/jose'>> {
  const view = await viewForDocument(context, projectId, scanId);
  const document = await sbomOf(context, view, format);
  const key = await documentKey(context);
  const about = { project_id: view.project.id, scan_id: view.scan?.id ?? null, ref: view.scan?.ref ?? null, commit_sha: view.scan?.commit_sha ?? null };
  return { etag: tagOf(['signature', document.etag, about, key.kid]), mediaType: 'application/jose', fileName: `${document.fileName}.jws`, text: signedDigest(key, document, about) };
}

async function sbomOf(context: Context, view: DocumentView, format: SbomFormat): Promise<SbomDocument> {
  const { write, mediaType, extension } = FORMATS[format];
  const findings = view.scan === undefined || !format.startsWith('cyclonedx') ? '' : await findingsState(context.db, view.scan.id);
  return { etag: await componentsTag(context, view, [format, findings]), mediaType, fileName: `${view.project.slug}.${extension}`, text: write(view.source) };
}
