/** CycloneDX 1.6, XML. Elements stand in the order of its schema. */
import type { DocumentComponentRow } from '../../db/components.ts';
import { documentVulnerabilities, licenseChoice, licensingOf, propertiesOf, ROOT_REF, scopeOf, serialNumber, type DocumentVulnerability, type LicenseChoice } from './cyclonedx-document.ts';
import { Graph, inChunks, type DocumentHead, type DocumentSource } from './document.ts';
import { fullPurl } from './installed.ts';

export function writeCycloneDxXml(source: DocumentSource): AsyncIterable<string> {
  return inChunks(parts(source));
}

async function* parts({ head, components, findings, licenseTexts }: DocumentSource): AsyncGenerator<string> {
  const graph = new Graph();
  const texts = new Map(await licenseTexts());
  yield `<?xml version="1.0" encoding="UTF-8"?>\n<bom xmlns="http://cyclonedx.org/schema/bom/1.6" serialNumber="${escape(serialNumber(head))}" version="1">\n${metadata(head)}<components>\n`;
  for await (const batch of components()) {
    for (const row of batch) {
      graph.add(row);
      yield component(row, texts);
    }
  }
  yield '</components>\n';
  if (graph.known) {
    yield `<dependencies>\n${dependency(ROOT_REF, graph.direct.map((ordinal) => graph.purl(ordinal)))}`;
    for (const { ordinal, dependsOn } of graph.nodes()) yield dependency(graph.purl(ordinal), dependsOn.map((target) => graph.purl(target)));
    yield '</dependencies>\n';
  } else yield `<compositions><composition><aggregate>unknown</aggregate><dependencies><dependency ref="${ROOT_REF}"/></dependencies></composition></compositions>\n`;
  yield '<vulnerabilities>\n';
  for (const entry of documentVulnerabilities(await findings())) yield vulnerability(entry);
  yield '</vulnerabilities>\n</bom>\n';
}

function metadata({ timestamp, tool, product, author }: DocumentHead): string {
  return `<metadata>\n${element('timestamp', timestamp)}<tools><components><component type="application">${element('name', tool.name)}${element('version', tool.version)}</component></components></tools><authors><author>${element('name', author)}</author></authors>
<component type="application" bom-ref="${ROOT_REF}"><supplier>${element('name', author)}</supplier>${element('name', product.name)}${element('version', product.version)}${element('description', product.description)}</component>\n</metadata>\n`;
}

/** @param texts that are still to be told: each stands with the first component that names its licence */
function component(row: DocumentComponentRow, texts: Map<string, string>): string {
  const [licensing, properties] = [licensingOf(row), propertiesOf(row)];
  const hashes = Object.entries(row.hashes).map(([alg, content]) => `<hash alg="${escape(alg)}">${escape(content)}</hash>`).join('');
  return `<component type="${escape(row.type)}" bom-ref="${escape(row.purl)}">${row.supplier === null ? '' : `<supplier>${element('name', row.supplier)}</supplier>`}${element('group', row.namespace)}${element('name', row.name)}\
<version>${escape(row.version)}</version>${element('description', row.description)}<scope>${scopeOf(row.scope)}</scope>${hashes === '' ? '' : `<hashes>${hashes}</hashes>`}\
${licensing === null ? '' : license(licensing, texts)}${element('copyright', row.copyright)}${element('purl', fullPurl(row))}\
${properties.length === 0 ? '' : `<properties>${properties.map(({ name, value }) => `<property name="${escape(name)}">${escape(value)}</property>`).join('')}</properties>`}\
${row.license_detected === null ? '' : `<evidence>${license({ choice: licenseChoice(row.license_detected) }, texts)}</evidence>`}</component>\n`;
}

function license({ choice, acknowledgement }: { choice: LicenseChoice; acknowledgement?: string }, texts: Map<string, string>): string {
  const attribute = acknowledgement === undefined ? '' : ` acknowledgement="${acknowledgement}"`;
  if ('expression' in choice) return `<licenses><expression${attribute}>${escape(choice.expression)}</expression></licenses>`;
  if ('id' in choice) return `<licenses><license${attribute}>${element('id', choice.id)}</license></licenses>`;
  const text = texts.get(choice.name);
  texts.delete(choice.name);
  return `<licenses><license${attribute}>${element('name', choice.name)}${text === undefined ? '' : `<text content-type="text/plain">${escape(text)}</text>`}</license></licenses>`;
}

function dependency(ref: string, dependsOn: readonly string[]): string {
  return `<dependency ref="${escape(ref)}">${dependsOn.map((target) => `<dependency ref="${escape(target)}"/>`).join('')}</dependency>\n`;
}

function vulnerability({ ref, id, source, rating, cwes, description, recommendation, published, analysis, affects }: DocumentVulnerability): string {
  return `<vulnerability bom-ref="${escape(ref)}">${element('id', id)}<source>${element('name', source.name)}${element('url', source.url)}</source>\
<ratings><rating>${element('score', rating.score === null ? null : String(rating.score))}${element('severity', rating.severity)}${element('method', rating.method)}${element('vector', rating.vector)}</rating></ratings>\
${cwes.length === 0 ? '' : `<cwes>${cwes.map((cwe) => element('cwe', String(cwe))).join('')}</cwes>`}${element('description', description)}${element('recommendation', recommendation)}${element('published', published)}\
<analysis>${element('state', analysis.state)}${element('justification', analysis.justification)}${element('detail', analysis.detail)}</analysis>\
<affects>${affects.map((purl) => `<target>${element('ref', purl)}</target>`).join('')}</affects></vulnerability>\n`;
}

/** An element with text; nothing where there is none. */
const element = (name: string, text: string | null): string => (text === null || text === '' ? '' : `<${name}>${escape(text)}</${name}>`);

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };

/** For text and attributes; characters that XML 1.0 cannot hold are dropped. */
function escape(text: string): string {
  return text.replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '').replaceAll(/[&<>"']/g, (char) => ENTITIES[char] ?? '');
}
