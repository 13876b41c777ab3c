/** Any SBOM that the portal reads, as an Inventory. */
import type { Inventory } from '../../core/component.ts';
import { readCycloneDxJson } from './cyclonedx-json.ts';
import { readCycloneDxXml } from './cyclonedx-xml.ts';
import type { SbomLimits } from './sbom-builder.ts';
import type { SbomFormat } from './sbom-format.ts';
import { readSpdxJson } from './spdx-json.ts';
import { readSpdxTagValue } from './spdx-tv.ts';

export { SbomError } from './sbom-error.ts';

const READERS: Record<SbomFormat, (source: AsyncIterable<Uint8Array>, limits?: SbomLimits) => Promise<Inventory>> = {
  'cyclonedx-json': readCycloneDxJson,
  'cyclonedx-xml': readCycloneDxXml,
  'spdx-json': readSpdxJson,
  'spdx-tv': readSpdxTagValue,
};

/** Throws SbomError where the document is not what `format` says, or too large. */
export function readSbom(format: SbomFormat, source: AsyncIterable<Uint8Array>, limits?: SbomLimits): Promise<Inventory> {
  return READERS[format](source, limits);
}
