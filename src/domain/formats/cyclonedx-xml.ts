/** CycloneDX 1.2 to 1.7, XML. DTDs are refused, so there are no entities to expand. */
import { SaxesParser, type SaxesTagNS } from 'saxes';
import type { DependencyScope, Inventory } from '../../core/component.ts';
import { componentType, DECLARED_PROPERTY, HASH_NAMES, isDigest } from './cyclonedx.ts';
import { INSTALLED_PROPERTY, SOURCE_PROPERTY } from './installed.ts';
import { InventoryBuilder, licenseText, type RawComponent, type SbomLimits } from './sbom-builder.ts';
import { SbomError } from './sbom-error.ts';

const NAMESPACE = /^http:\/\/cyclonedx\.org\/schema\/bom\/(1\.\d+)$/;
const VERSIONS = /^1\.[2-7]$/;
const MAX_DEPTH = 256;
const MAX_TEXT = 1024 * 1024;

type Draft = { -readonly [Key in keyof RawComponent]: RawComponent[Key] } & { licenses: string[]; concluded: string[]; hashes: Record<string, string>; source: Record<string, string>; isRoot: boolean };

export async function readCycloneDxXml(source: AsyncIterable<Uint8Array>, limits?: SbomLimits): Promise<Inventory> {
  const reader = new XmlReader(limits);
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    for await (const chunk of source) reader.write(decoder.decode(chunk, { stream: true }));
    reader.write(decoder.decode());
  } catch (error) {
    throw error instanceof TypeError ? new SbomError('encoding', 'The document is not valid UTF-8.') : error;
  }
  return reader.finish();
}

/** Follows the elements; a component is handed over when its element ends. */
class XmlReader {
  readonly #builder: InventoryBuilder;
  readonly #parser = new SaxesParser({ xmlns: true });
  readonly #path: string[] = [];
  readonly #open: Draft[] = [];
  #dependencyOf: string | null = null;
  #text = '';
  #attribute: string | null = null;
  #isConcluded = false;
  /** Of the licence that is open: its name, and how its text is encoded. */
  #licenseName: string | null = null;
  #encoding: string | null = null;
  #seen = false;

  constructor(limits?: SbomLimits) {
    this.#builder = new InventoryBuilder(limits);
    this.#parser.on('error', (error) => {
      throw new SbomError('malformed', `The document is not well-formed XML: ${error.message}.`);
    });
    this.#parser.on('doctype', () => {
      throw new SbomError('malformed', 'The document has a DTD; documents with one are refused.');
    });
    this.#parser.on('opentag', (tag) => this.#start(tag));
    this.#parser.on('closetag', (tag) => this.#end(tag.local));
    this.#parser.on('text', (text) => this.#add(text));
    this.#parser.on('cdata', (text) => this.#add(text));
  }

  write(text: string): void {
    this.#parser.write(text);
  }

  finish(): Inventory {
    this.#parser.close();
    if (!this.#seen) throw new SbomError('malformed', 'The document has no bom element.');
    return this.#builder.finish();
  }

  #add(text: string): void {
    if (this.#text.length + text.length > MAX_TEXT) throw new SbomError('too-large', `A text of the document is longer than ${MAX_TEXT} characters.`);
    this.#text += text;
  }

  #start(tag: SaxesTagNS): void {
    const name = tag.local;
    if (this.#path.length === 0) this.#checkRoot(tag);
    if (this.#path.length >= MAX_DEPTH) throw new SbomError('malformed', `The document is nested deeper than ${MAX_DEPTH} levels.`);
    const parent = this.#path.at(-1);
    const isComponent = name === 'component' && this.#holdsComponents();
    this.#path.push(name);
    this.#text = '';
    this.#encoding = tag.attributes['encoding']?.value ?? null;
    if (name === 'license') this.#licenseName = null;
    if (name === 'license' || name === 'expression') this.#isConcluded = tag.attributes['acknowledgement']?.value === 'concluded';
    this.#attribute = tag.attributes['alg']?.value ?? tag.attributes['name']?.value ?? null;
    if (isComponent) {
      this.#open.push({
        ref: tag.attributes['bom-ref']?.value ?? null, purl: null, type: componentType(tag.attributes['type']?.value ?? null), group: null, name: '', version: '', scope: 'required',
        licenses: [], concluded: [], hashes: {}, supplier: null, description: null, copyright: null, source: {}, installed: null, isRoot: parent === 'metadata',
      });
    }
    if (name === 'dependency') {
      const ref = tag.attributes['ref']?.value ?? '';
      if (parent === 'dependency' && this.#dependencyOf !== null) this.#builder.dependency(this.#dependencyOf, [ref]);
      else this.#dependencyOf = ref;
    }
  }

  #checkRoot(tag: SaxesTagNS): void {
    const version = NAMESPACE.exec(tag.uri)?.[1];
    if (tag.local !== 'bom' || version === undefined) throw new SbomError('malformed', 'The root element is not a CycloneDX bom.');
    if (!VERSIONS.test(version)) throw new SbomError('unsupported-version', `CycloneDX ${version} is not read; 1.2 to 1.7 are.`);
    this.#seen = true;
  }

  /** Is the innermost open element one whose components are the product's or its parts? Those of metadata/tools made the document. */
  #holdsComponents(): boolean {
    const [outer, inner] = this.#path.slice(-2);
    return inner === 'metadata' || (inner === 'components' && outer !== 'tools');
  }

  #end(name: string): void {
    const text = this.#text.trim();
    this.#path.pop();
    this.#text = '';
    const draft = this.#open.at(-1);
    const parent = this.#path.at(-1);
    if (draft === undefined || this.#path.includes('evidence')) return; // what was found is not what is declared
    if (name === 'component' && this.#holdsComponents()) {
      this.#open.pop();
      this.#hand(draft);
    } else if (parent === 'component') assign(draft, name, text);
    else if (parent === 'hashes' && name === 'hash' && HASH_NAMES.has(this.#attribute ?? '') && isDigest(text)) draft.hashes[this.#attribute ?? ''] = text.toLowerCase();
    else if (parent === 'license' && name === 'id') this.#licensesOf(draft).push(licenseText({ id: text }));
    else if (parent === 'license' && name === 'name') {
      this.#licenseName = licenseText({ name: text });
      this.#licensesOf(draft).push(this.#licenseName);
    } else if (parent === 'license' && name === 'text' && this.#licenseName !== null) {
      this.#builder.licenseText(this.#licenseName, this.#encoding === 'base64' ? Buffer.from(text, 'base64').toString('utf8') : text);
    }
    else if (parent === 'licenses' && name === 'expression') this.#licensesOf(draft).push(licenseText({ expression: text }));
    else if (parent === 'supplier' && name === 'name') draft.supplier = text;
    else if (parent === 'properties' && name === 'property' && /^(?:cdx:npm:package:development|sca-portal:scope)$/.test(this.#attribute ?? '') && (text === 'true' || text === 'dev')) draft.scope = 'dev';
    else if (parent === 'properties' && name === 'property') {
      if (this.#attribute === INSTALLED_PROPERTY) draft.installed = text;
      if (this.#attribute === DECLARED_PROPERTY) draft.licenses.push(licenseText({ expression: text }));
      const part = SOURCE_PROPERTY.exec(this.#attribute ?? '')?.[1];
      if (part !== undefined) draft.source[part] = text;
    }
  }

  #licensesOf({ licenses, concluded }: Draft): string[] {
    return this.#isConcluded ? concluded : licenses;
  }

  /** What somebody concluded counts where nothing is declared. */
  #hand({ isRoot, concluded, ...component }: Draft): void {
    if (!isRoot) this.#builder.component(component.licenses.length === 0 ? { ...component, licenses: concluded } : component);
    else this.#builder.root({ ref: component.ref ?? component.purl, name: component.name, version: component.version, purl: component.purl });
  }
}

function assign(draft: Draft, name: string, text: string): void {
  switch (name) {
    case 'group': draft.group = text; break;
    case 'name': draft.name = text; break;
    case 'version': draft.version = text; break;
    case 'purl': draft.purl = text; break;
    case 'description': draft.description = text; break;
    case 'copyright': draft.copyright = text; break;
    case 'publisher':
    case 'author': draft.supplier ??= text; break;
    case 'scope': if (draft.scope !== 'dev') draft.scope = scopeOf(text); break;
    default:
  }
}

const scopeOf = (text: string): DependencyScope => (text === 'optional' || text === 'excluded' ? text : 'required');
