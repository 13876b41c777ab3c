/** CycloneDX 1.6, JSON. */
import type { DocumentComponentRow } from '../../db/components.ts';
import { documentVulnerabilities, licenseChoice, licensingOf, propertiesOf, ROOT_REF, scopeOf, serialNumber, type DocumentVulnerability, type LicenseChoice } from './cyclonedx-document.ts';
import { Graph, inChunks, type DocumentHead, type DocumentSource } from './document.ts';
import { fullPurl } from './installed.ts';

export function writeCycloneDxJson(source: DocumentSource): AsyncIterable<string> {
  return inChunks(parts(source));
}

async function* parts({ head, components, findings, licenseTexts }: DocumentSource): AsyncGenerator<string> {
  const graph = new Graph();
  const texts = new Map(await licenseTexts());
  yield `{"bomFormat":"CycloneDX","specVersion":"1.6","serialNumber":${JSON.stringify(serialNumber(head))},"version":1,\n"metadata":${JSON.stringify(metadata(head))},\n"components":[`;
  let separator = '\n';
  for await (const batch of components()) {
    for (const row of batch) {
      graph.add(row);
      yield separator + JSON.stringify(component(row, texts));
      separator = ',\n';
    }
  }
  yield '\n]';
  if (graph.known) {
    yield `,\n"dependencies":[\n${JSON.stringify({ ref: ROOT_REF, dependsOn: graph.direct.map((ordinal) => graph.purl(ordinal)) })}`;
    for (const { ordinal, dependsOn } of graph.nodes()) {
      yield `,\n${JSON.stringify({ ref: graph.purl(ordinal), ...(dependsOn.length === 0 ? {} : { dependsOn: dependsOn.map((target) => graph.purl(target)) }) })}`;
    }
    yield '\n]';
  } else yield `,\n"compositions":${JSON.stringify([{ aggregate: 'unknown', dependencies: [ROOT_REF] }])}`;
  yield ',\n"vulnerabilities":[';
  separator = '\n';
  for (const entry of documentVulnerabilities(await findings())) {
    yield separator + JSON.stringify(vulnerability(entry));
    separator = ',\n';
  }
  yield '\n]}\n';
}

function metadata({ timestamp, tool, product, author }: DocumentHead): object {
  return {
    timestamp,
    tools: { components: [{ type: 'application', name: tool.name, version: tool.version }] },
    authors: [{ name: author }],
    component: { type: 'application', 'bom-ref': ROOT_REF, supplier: { name: author }, name: product.name, ...given('version', product.version), ...given('description', product.description) },
  };
}

/** @param texts that are still to be told: each stands with the first component that names its licence */
function component(row: DocumentComponentRow, texts: Map<string, string>): object {
  const hashes = Object.entries(row.hashes).map(([alg, content]) => ({ alg, content }));
  const licensing = licensingOf(row);
  const properties = propertiesOf(row);
  return {
    type: row.type, 'bom-ref': row.purl, ...given('supplier', row.supplier === null ? null : { name: row.supplier }), ...given('group', row.namespace), name: row.name, version: row.version,
    ...given('description', row.description), scope: scopeOf(row.scope), ...(hashes.length === 0 ? {} : { hashes }),
    ...given('licenses', licensing === null ? null : [written(licensing, texts)]), ...given('copyright', row.copyright), purl: fullPurl(row),
    ...(properties.length === 0 ? {} : { properties }), ...(row.license_detected === null ? {} : { evidence: { licenses: [written({ choice: licenseChoice(row.license_detected) }, texts)] } }),
  };
}

function written({ choice, ...rest }: { choice: LicenseChoice; acknowledgement?: string }, texts: Map<string, string>): object {
  return 'expression' in choice ? { ...choice, ...rest } : { license: { ...choice, ...rest, ...given('text', takeText(choice, texts)) } };
}

function takeText(choice: LicenseChoice, texts: Map<string, string>): { contentType: string; content: string } | null {
  const content = 'name' in choice ? texts.get(choice.name) : undefined;
  if (!('name' in choice) || content === undefined) return null;
  texts.delete(choice.name);
  return { contentType: 'text/plain', content };
}

function vulnerability({ ref, id, source, rating, cwes, description, recommendation, published, analysis, affects }: DocumentVulnerability): object {
  return {
    'bom-ref': ref, id, source: { name: source.name, ...given('url', source.url) },
    ratings: [{ ...given('score', rating.score), severity: rating.severity, ...given('method', rating.method), ...given('vector', rating.vector) }],
    ...(cwes.length === 0 ? {} : { cwes }), ...given('description', description), ...given('recommendation', recommendation), ...given('published', published),
    analysis: { state: analysis.state, ...given('justification', analysis.justification), ...given('detail', analysis.detail) },
    affects: affects.map((purl) => ({ ref: purl })),
  };
}

/** The member, left out where there is nothing to say. */
const given = <Value>(name: string, value: Value | null): Record<string, Value> => (value === null ? {} : { [name]: value });
