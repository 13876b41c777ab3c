/** CycloneDX 1.2 to 1.7, JSON. */
import type { DependencyScope, Inventory } from '../../core/component.ts';
import { isRecord } from '../../core/values.ts';
import { readJsonObject } from './json-stream.ts';
import { componentType, DECLARED_PROPERTY, HASH_NAMES, isDigest } from './cyclonedx.ts';
import { INSTALLED_PROPERTY, SOURCE_PROPERTY, type SourceParts } from './installed.ts';
import { InventoryBuilder, licenseText, type RawComponent, type SbomLimits } from './sbom-builder.ts';
import { SbomError } from './sbom-error.ts';

const STREAMED = new Set(['components', 'dependencies', 'vulnerabilities', 'services', 'annotations', 'compositions', 'formulation']);
const VERSIONS = /^1\.[2-7]$/;
const MAX_NESTING = 64;

export async function readCycloneDxJson(source: AsyncIterable<Uint8Array>, limits?: SbomLimits): Promise<Inventory> {
  const builder = new InventoryBuilder(limits);
  const members = await readJsonObject(source, STREAMED, (name, element) => {
    if (name === 'components') addComponent(builder, element, 0);
    if (name === 'dependencies') addDependency(builder, element);
  });
  const version = members.get('specVersion');
  if (members.get('bomFormat') !== 'CycloneDX') throw new SbomError('malformed', 'The document does not say "bomFormat": "CycloneDX".');
  if (typeof version !== 'string' || !VERSIONS.test(version)) throw new SbomError('unsupported-version', `CycloneDX ${String(version)} is not read; 1.2 to 1.7 are.`);
  const metadata = members.get('metadata');
  const root = isRecord(metadata) ? metadata['component'] : undefined;
  if (isRecord(root)) builder.root({ ref: text(root['bom-ref']) ?? text(root['purl']), name: text(root['name']) ?? '', version: text(root['version']) ?? '', purl: text(root['purl']) });
  return builder.finish();
}

function addComponent(builder: InventoryBuilder, element: unknown, depth: number): void {
  if (!isRecord(element)) throw new SbomError('malformed', 'An entry of "components" is not an object.');
  builder.component(toRaw(element));
  for (const { id, text: content } of licenseTextsOf(element['licenses'])) builder.licenseText(id, content);
  const nested = element['components'];
  if (!Array.isArray(nested)) return;
  if (depth >= MAX_NESTING) throw new SbomError('malformed', `Components are nested deeper than ${MAX_NESTING} levels.`);
  for (const child of nested) addComponent(builder, child, depth + 1);
}

function toRaw(element: Record<string, unknown>): RawComponent {
  const supplier = element['supplier'];
  return {
    ref: text(element['bom-ref']), purl: text(element['purl']), type: componentType(text(element['type'])), group: text(element['group']), name: text(element['name']) ?? '',
    version: text(element['version']) ?? '', scope: scopeOf(element), licenses: licensesOf(element), hashes: hashesOf(element['hashes']),
    supplier: (isRecord(supplier) ? text(supplier['name']) : null) ?? text(element['publisher']) ?? text(element['author']), description: text(element['description']), copyright: text(element['copyright']),
    source: sourceOf(element['properties']), installed: propertyOf(element['properties'], INSTALLED_PROPERTY),
  };
}

function scopeOf(element: Record<string, unknown>): DependencyScope {
  const properties = element['properties'];
  const isDev = Array.isArray(properties) && properties.some((one: unknown) => isRecord(one) && one['name'] === 'cdx:npm:package:development' && one['value'] === 'true');
  const isDeclaredDev = Array.isArray(properties) && properties.some((one: unknown) => isRecord(one) && one['name'] === 'sca-portal:scope' && one['value'] === 'dev');
  if (isDev || isDeclaredDev) return 'dev';
  return element['scope'] === 'optional' || element['scope'] === 'excluded' ? element['scope'] : 'required';
}

function propertyOf(properties: unknown, name: string): string | null {
  return Array.isArray(properties) ? text(properties.filter(isRecord).find((one) => one['name'] === name)?.['value']) : null;
}

function sourceOf(properties: unknown): SourceParts {
  if (!Array.isArray(properties)) return {};
  return Object.fromEntries(properties.filter(isRecord).flatMap((one) => {
    const [part, value] = [SOURCE_PROPERTY.exec(text(one['name']) ?? '')?.[1], text(one['value'])];
    return part === undefined || value === null ? [] : [[part, value]];
  }));
}

/** What is declared; what somebody concluded counts where nothing is. */
function licensesOf({ licenses, properties }: Record<string, unknown>): string[] {
  const kept = propertyOf(properties, DECLARED_PROPERTY);
  if (kept !== null) return [licenseText({ expression: kept })];
  const choices = Array.isArray(licenses) ? licenses.filter(isRecord) : [];
  const declared = choices.filter((choice) => (isRecord(choice['license']) ? choice['license'] : choice)['acknowledgement'] !== 'concluded');
  return (declared.length === 0 ? choices : declared).flatMap((choice) => {
    const license = choice['license'];
    const expression = text(choice['expression']);
    if (expression !== null) return [licenseText({ expression })];
    if (!isRecord(license)) return [];
    const id = text(license['id']);
    return [licenseText(id === null ? { name: text(license['name']) ?? text(license['url']) ?? '' } : { id })];
  });
}

/** Texts that come with licences which have a name of their own. */
function licenseTextsOf(licenses: unknown): { id: string; text: string }[] {
  if (!Array.isArray(licenses)) return [];
  return licenses.flatMap((choice: unknown) => {
    const license = isRecord(choice) ? choice['license'] : undefined;
    if (!isRecord(license) || !isRecord(license['text'])) return [];
    const [name, content] = [text(license['name']), text(license['text']['content'])];
    if (name === null || content === null) return [];
    return [{ id: licenseText({ name }), text: license['text']['encoding'] === 'base64' ? Buffer.from(content, 'base64').toString('utf8') : content }];
  });
}

function hashesOf(hashes: unknown): Record<string, string> {
  if (!Array.isArray(hashes)) return {};
  return Object.fromEntries(
    hashes.flatMap((one: unknown): [string, string][] => {
      const [algorithm, content] = isRecord(one) ? [text(one['alg']), text(one['content'])] : [null, null];
      return algorithm !== null && content !== null && HASH_NAMES.has(algorithm) && isDigest(content) ? [[algorithm, content.toLowerCase()]] : [];
    }),
  );
}

function addDependency(builder: InventoryBuilder, element: unknown): void {
  if (!isRecord(element)) throw new SbomError('malformed', 'An entry of "dependencies" is not an object.');
  const ref = text(element['ref']);
  const dependsOn = element['dependsOn'];
  if (ref !== null && Array.isArray(dependsOn)) builder.dependency(ref, dependsOn.filter((one: unknown) => typeof one === 'string'));
}

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
