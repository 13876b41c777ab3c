/** SPDX 2.3, tag-value. */
import { Graph, inChunks, type DocumentSource } from './document.ts';
import { created, creators, documentNamespace, NONE, productPackage, referenceName, referencesIn, relationships, toPackage, type SpdxDocumentPackage } from './spdx-document.ts';

export function writeSpdxTagValue(source: DocumentSource): AsyncIterable<string> {
  return inChunks(parts(source));
}

async function* parts({ head, components, licenseTexts }: DocumentSource): AsyncGenerator<string> {
  const graph = new Graph();
  const references = new Set<string>();
  yield `SPDXVersion: SPDX-2.3\nDataLicense: CC0-1.0\nSPDXID: SPDXRef-DOCUMENT\n${line('DocumentName', head.product.name)}${line('DocumentNamespace', documentNamespace(head))}\
${creators(head).map((creator) => line('Creator', creator)).join('')}${line('Created', created(head))}${packageText(productPackage(head))}`;
  for await (const batch of components()) {
    for (const row of batch) {
      graph.add(row);
      const one = toPackage(row);
      for (const reference of [...referencesIn(one.license), ...referencesIn(one.concluded)]) references.add(reference);
      yield packageText(one);
    }
  }
  const texts = await licenseTexts();
  for (const id of [...references].sort()) yield `\n${line('LicenseID', id)}${line('LicenseName', referenceName(id))}${text('ExtractedText', texts.get(id) ?? referenceName(id))}`;
  yield '\n';
  for (const { from, type, to } of relationships(graph)) yield `Relationship: ${from} ${type} ${to}\n`;
}

function packageText({ id, name, version, supplier, license, concluded, copyright, purpose, checksums, purl, description, comment, licenseComments }: SpdxDocumentPackage): string {
  return `\n${line('PackageName', name)}${line('SPDXID', id)}${version === null ? '' : line('PackageVersion', version)}${line('PackageSupplier', supplier)}PackageDownloadLocation: ${NONE}\nFilesAnalyzed: false\n\
${checksums.map(({ algorithm, value }) => line('PackageChecksum', `${algorithm}: ${value}`)).join('')}${line('PackageLicenseConcluded', concluded)}${line('PackageLicenseDeclared', license)}${licenseComments === null ? '' : text('PackageLicenseComments', licenseComments)}${copyright === NONE ? line('PackageCopyrightText', NONE) : text('PackageCopyrightText', copyright)}\
${line('PrimaryPackagePurpose', purpose)}${description === null ? '' : text('PackageDescription', description)}${comment === null ? '' : text('PackageComment', comment)}\
${purl === null ? '' : line('ExternalRef', `PACKAGE-MANAGER purl ${purl}`)}`;
}

/** A value of one line. */
const line = (tag: string, value: string): string => `${tag}: ${value.replaceAll(/[\r\n]+/g, ' ')}\n`;
const text = (tag: string, value: string): string => `${tag}: <text>${value.replaceAll('</text>', '')}</text>\n`;
