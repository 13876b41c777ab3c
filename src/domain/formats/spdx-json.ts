/** SPDX 2.2 and 2.3, JSON. */
import type { Inventory } from '../../core/component.ts';
import { isRecord } from '../../core/values.ts';
import { readJsonObject } from './json-stream.ts';
import type { SbomLimits } from './sbom-builder.ts';
import { SbomError } from './sbom-error.ts';
import { SpdxCollector, type SpdxPackage } from './spdx.ts';

const STREAMED = new Set(['packages', 'relationships', 'files', 'snippets', 'annotations', 'hasExtractedLicensingInfos']);

export async function readSpdxJson(source: AsyncIterable<Uint8Array>, limits?: SbomLimits): Promise<Inventory> {
  const collector = new SpdxCollector(limits);
  const members = await readJsonObject(source, STREAMED, (name, element) => {
    if (name !== 'packages' && name !== 'relationships' && name !== 'hasExtractedLicensingInfos') return;
    if (!isRecord(element)) throw new SbomError('malformed', `An entry of "${name}" is not an object.`);
    if (name === 'packages') collector.package(toPackage(element));
    else if (name === 'hasExtractedLicensingInfos') collector.extractedLicense(text(element['licenseId']) ?? '', text(element['extractedText']) ?? '');
    else collector.relationship(text(element['spdxElementId']) ?? '', text(element['relationshipType']) ?? '', text(element['relatedSpdxElement']) ?? '');
  });
  const described = members.get('documentDescribes');
  if (Array.isArray(described)) for (const id of described) if (typeof id === 'string') collector.describes(id);
  return collector.finish(members.get('spdxVersion'));
}

function toPackage(element: Record<string, unknown>): SpdxPackage {
  const references = Array.isArray(element['externalRefs']) ? element['externalRefs'].filter(isRecord) : [];
  const checksums = Array.isArray(element['checksums']) ? element['checksums'].filter(isRecord) : [];
  return {
    id: text(element['SPDXID']) ?? '', name: text(element['name']) ?? '', version: text(element['versionInfo']) ?? '',
    purl: text(references.find((one) => one['referenceType'] === 'purl')?.['referenceLocator']), purpose: text(element['primaryPackagePurpose']),
    declared: text(element['licenseDeclared']), concluded: text(element['licenseConcluded']),
    checksums: Object.fromEntries(checksums.map((one) => [text(one['algorithm']) ?? '', text(one['checksumValue']) ?? ''])),
    supplier: text(element['supplier']), description: text(element['description']) ?? text(element['summary']), comment: text(element['comment']), sourceInfo: text(element['sourceInfo']), copyright: text(element['copyrightText']),
  };
}

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
