/** CycloneDX documents against the official schemas of 1.6, by validators that share nothing with the writers. */
import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import { validateXML } from 'xmllint-wasm';

const FOLDER = new URL('./res/schema/', import.meta.resolve('@cyclonedx/cyclonedx-library/package.json'));
const read = (name: string): string => readFileSync(new URL(name, FOLDER), 'utf8');
const parse = (name: string): object => {
  const schema: unknown = JSON.parse(read(name));
  return typeof schema === 'object' && schema !== null ? schema : {};
};

/** Formats of draft 2019-09, which ajv-formats does not know, are not looked at. */
function jsonValidator() {
  const ajv = new Ajv({ allErrors: true, strict: false, formats: { 'iri-reference': true, 'idn-email': true } });
  formats.default(ajv);
  for (const name of ['spdx.SNAPSHOT.schema.json', 'jsf-0.82.SNAPSHOT.schema.json']) ajv.addSchema(parse(name), `http://cyclonedx.org/schema/${name}`);
  return ajv.compile(parse('bom-1.6.SNAPSHOT.schema.json'));
}
let json: ReturnType<typeof jsonValidator> | null = null;

/** The faults, in words; empty where the document is valid. */
export function faultsOfJson(document: unknown): string[] {
  json ??= jsonValidator();
  return json(document) ? [] : (json.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message ?? ''}`);
}

export async function faultsOfXml(text: string): Promise<string[]> {
  const schema = [{ fileName: 'bom.xsd', contents: read('bom-1.6.SNAPSHOT.xsd').replaceAll(/schemaLocation="[^"]*spdx[^"]*"/g, 'schemaLocation="spdx.SNAPSHOT.xsd"') }];
  const { errors } = await validateXML({ xml: [{ fileName: 'bom.xml', contents: text }], schema, preload: [{ fileName: 'spdx.SNAPSHOT.xsd', contents: read('spdx.SNAPSHOT.xsd') }], maxMemoryPages: 8192 });
  return errors.map(({ message }) => message);
}
