/** The SBOM of a project's scan. */
import { findingsState } from '../../db/findings.ts';
import type { Context } from '../context.ts';
import type { DocumentWriter } from '../formats/document.ts';
import type { SbomFormat } from '../formats/sbom-format.ts';
import { writeCycloneDxJson } from '../formats/write-cyclonedx-json.ts';
import { writeCycloneDxXml } from '../formats/write-cyclonedx-xml.ts';
import { writeSpdxJson } from '../formats/write-spdx-json.ts';
import { writeSpdxTagValue } from '../formats/write-spdx-tv.ts';
import { componentsTag, viewForDocument, type ProjectDocument } from './view.ts';

const FORMATS = {
  'cyclonedx-json': { write: writeCycloneDxJson, mediaType: 'application/vnd.cyclonedx+json', extension: 'cdx.json' },
  'cyclonedx-xml': { write: writeCycloneDxXml, mediaType: 'application/vnd.cyclonedx+xml', extension: 'cdx.xml' },
  'spdx-json': { write: writeSpdxJson, mediaType: 'application/spdx+json', extension: 'spdx.json' },
  'spdx-tv': { write: writeSpdxTagValue, mediaType: 'text/spdx', extension: 'spdx' },
} as const satisfies Record<SbomFormat, { write: DocumentWriter; mediaType: string; extension: string }>;

/** The current scan, or the named one, as a document; one without components where the project has no succeeded scan. Throws not-found, scan-not-finished. */
export async function exportSbom(context: Context, projectId: string, scanId: string | undefined, format: SbomFormat): Promise<ProjectDocument<(typeof FORMATS)[SbomFormat]['mediaType']>> {
  const { write, mediaType, extension } = FORMATS[format];
  const view = await viewForDocument(context, projectId, scanId);
  const findings = view.scan === undefined || !format.startsWith('cyclonedx') ? '' : await findingsState(context.db, view.scan.id);
  return { etag: await componentsTag(context, view, [format, findings]), mediaType, fileName: `${view.project.slug}.${extension}`, text: write(view.source) };
}
