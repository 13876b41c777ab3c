/** SPDX 2.3, JSON. */
import { Graph, inChunks, type DocumentSource } from './document.ts';
import { created, creators, documentNamespace, NONE, productPackage, referenceName, referencesIn, relationships, toPackage, type SpdxDocumentPackage } from './spdx-document.ts';

export function writeSpdxJson(source: DocumentSource): AsyncIterable<string> {
  return inChunks(parts(source));
}

async function* parts({ head, components, licenseTexts }: DocumentSource): AsyncGenerator<string> {
  const graph = new Graph();
  const references = new Set<string>();
  const opening = {
    spdxVersion: 'SPDX-2.3', dataLicense: 'CC0-1.0', SPDXID: 'SPDXRef-DOCUMENT', name: head.product.name, documentNamespace: documentNamespace(head),
    creationInfo: { created: created(head), creators: creators(head) },
  };
  yield `${JSON.stringify(opening).slice(0, -1)},\n"packages":[\n${JSON.stringify(toJson(productPackage(head)))}`;
  for await (const batch of components()) {
    for (const row of batch) {
      graph.add(row);
      const one = toPackage(row);
      for (const reference of [...referencesIn(one.license), ...referencesIn(one.concluded)]) references.add(reference);
      yield `,\n${JSON.stringify(toJson(one))}`;
    }
  }
  yield '\n]';
  if (references.size > 0) {
    const texts = await licenseTexts();
    yield `,\n"hasExtractedLicensingInfos":${JSON.stringify([...references].sort().map((id) => ({ licenseId: id, name: referenceName(id), extractedText: texts.get(id) ?? referenceName(id) })))}`;
  }
  yield ',\n"relationships":[';
  let separator = '\n';
  for (const { from, type, to } of relationships(graph)) {
    yield separator + JSON.stringify({ spdxElementId: from, relationshipType: type, relatedSpdxElement: to });
    separator = ',\n';
  }
  yield '\n]}\n';
}

function toJson({ id, name, version, supplier, license, concluded, copyright, purpose, checksums, purl, description, comment, licenseComments }: SpdxDocumentPackage): object {
  return {
    SPDXID: id, name, ...(version === null ? {} : { versionInfo: version }), supplier, downloadLocation: NONE, filesAnalyzed: false, licenseConcluded: concluded, licenseDeclared: license, ...(licenseComments === null ? {} : { licenseComments }), copyrightText: copyright,
    primaryPackagePurpose: purpose.replaceAll('-', '_'), // the JSON schema spells it otherwise than the text of the specification
    ...(checksums.length === 0 ? {} : { checksums: checksums.map(({ algorithm, value }) => ({ algorithm, checksumValue: value })) }),
    ...(purl === null ? {} : { externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purl }] }),
    ...(description === null ? {} : { description }), ...(comment === null ? {} : { comment }),
  };
}
