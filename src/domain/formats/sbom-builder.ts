/** Collects what a document says, whatever its format, and makes an Inventory of it: one component a package URL, edges between them. */
import type { ComponentType, DependencyScope, DetectedComponent, Inventory, LicenseText } from '../../core/component.ts';
import { parseExpression } from '../licenses/expression.ts';
import { formatPurl, parsePurl, type Purl } from '../../core/purl.ts';
import { cut } from '../../core/values.ts';
import { givenPurl, isInstalled, releaseQualifier, sourceQualifiers, toldQualifiers, type SourceParts } from './installed.ts';
import { SbomError } from './sbom-error.ts';

export interface SbomLimits {
  components: number;
  edges: number;
}
export const SBOM_LIMITS: SbomLimits = { components: 200_000, edges: 1_000_000 };

/** A component as the document writes it; every text is untrusted. */
export interface RawComponent {
  ref: string | null;
  purl: string | null;
  type: ComponentType;
  group: string | null;
  name: string;
  version: string;
  scope: DependencyScope;
  licenses: readonly string[];
  hashes: Readonly<Record<string, string>>;
  supplier: string | null;
  description: string | null;
  /** Of the source package, where the document says it. */
  source: SourceParts;
  /** Qualifiers that a document of ours says the package URL was not given with. */
  installed: string | null;
  copyright: string | null;
}

export interface RawRoot {
  ref: string | null;
  name: string;
  version: string;
  purl: string | null;
}

const LENGTH = { name: 512, version: 256, purl: 1024, text: 2000, ref: 2048, copyright: 4000, licenseText: 64 * 1024 };
const MAX_LICENSE_TEXTS = 500;

interface Draft {
  component: DetectedComponent;
  dependsOn: Set<string>;
  /** Of a distribution's package. */
  installed?: { purl: Purl; source: SourceParts; kept: string | null };
}

export class InventoryBuilder {
  readonly #limits: SbomLimits;
  readonly #byPurl = new Map<string, Draft>();
  /** The document's refs -> canonical package URL. */
  readonly #purlOf = new Map<string, string>();
  readonly #edges: [from: string, to: readonly string[]][] = [];
  readonly #warnings: string[] = [];
  /** Operating systems that the document lists. */
  readonly #systems: { name: string; version: string }[] = [];
  readonly #licenseTexts = new Map<string, LicenseText>();
  #occurrences = 0;
  #edgeCount = 0;
  #nameless = 0;
  #root: RawRoot | null = null;

  constructor(limits: SbomLimits = SBOM_LIMITS) {
    this.#limits = limits;
  }

  root(root: RawRoot): void {
    this.#root = { ...root, name: clean(root.name, LENGTH.name), version: clean(root.version, LENGTH.version) };
  }

  component(raw: RawComponent): void {
    this.#occurrences += 1;
    if (this.#occurrences > this.#limits.components) throw new SbomError('too-large', `The document holds more than ${this.#limits.components} components.`);
    const name = clean(raw.name, LENGTH.name);
    if (name === '') {
      this.#nameless += 1;
      return;
    }
    const version = clean(raw.version, LENGTH.version);
    const identity = identify({ ...raw, name, version });
    const key = identity.purl;
    if (raw.ref !== null) this.#purlOf.set(raw.ref, key);
    this.#purlOf.set(raw.purl ?? key, key);
    const known = this.#byPurl.get(key);
    if (known !== undefined) return;
    const declared = raw.licenses.map((license) => clean(license, LENGTH.text)).filter((license) => license !== '');
    const component: DetectedComponent = {
      ref: key, purl: key, type: raw.type, namespace: identity.namespace, name: identity.name, version: identity.version, scope: raw.scope, direct: null, dependsOn: [],
      declaredLicense: declared.length === 0 ? null : [...new Set(declared)].map((one) => (declared.length > 1 && /\sOR\s/i.test(one) ? `(${one})` : one)).join(' AND '),
      hashes: raw.hashes, supplier: cleanOrNull(raw.supplier, LENGTH.name), description: cleanOrNull(raw.description, LENGTH.text), evidence: null,
    };
    if (raw.type === 'operating-system') this.#systems.push({ name: identity.name, version: identity.version });
    const installed = identity.parsed !== null && isInstalled(identity.parsed) ? { installed: { purl: identity.parsed, source: raw.source, kept: raw.installed } } : {};
    const copyright = cleanLines(raw.copyright ?? '', LENGTH.copyright);
    this.#byPurl.set(key, { component: copyright === '' ? component : { ...component, copyright }, dependsOn: new Set(), ...installed });
  }

  dependency(from: string, to: readonly string[]): void {
    this.#edgeCount += to.length;
    if (this.#edgeCount > this.#limits.edges) throw new SbomError('too-large', `The document holds more than ${this.#limits.edges} dependencies.`);
    if (to.length > 0) this.#edges.push([from, to]);
  }

  /** The text of a licence that is on no list; the first one of an id counts. */
  licenseText(id: string, text: string): void {
    const cleaned = cleanLines(text, LENGTH.licenseText);
    if (!id.startsWith('LicenseRef-') || cleaned === '' || this.#licenseTexts.has(id)) return;
    if (this.#licenseTexts.size < MAX_LICENSE_TEXTS) this.#licenseTexts.set(id, { id, text: cleaned });
  }

  warn(text: string): void {
    if (this.#warnings.length < 100) this.#warnings.push(text);
  }

  finish(): Inventory {
    if (this.#nameless > 0) this.warn(`${this.#nameless} components without a name were passed over.`);
    const direct = this.#link();
    const hasGraph = this.#edgeCount > 0;
    const components = [...this.#byPurl.values()].map(({ component, dependsOn, installed }) => {
      const qualifiers = installed === undefined ? [] : [...sourceQualifiers(installed.purl, installed.source), ...releaseQualifier(installed.purl, this.#systems), ...toldQualifiers(installed.purl, installed.kept)];
      return { ...component, dependsOn: [...dependsOn], direct: hasGraph ? direct.has(component.purl) : null, ...(qualifiers.length === 0 ? {} : { installed: new Map(qualifiers.sort(([a], [b]) => (a < b ? -1 : 1))) }) };
    });
    return { root: this.#root, components, occurrences: this.#occurrences - this.#nameless, licenseTexts: [...this.#licenseTexts.values()], warnings: this.#warnings };
  }

  /** Resolves the edges; returns the package URLs that the root depends on. */
  #link(): Set<string> {
    const direct = new Set<string>();
    const unknown = new Set<string>();
    const rootRef = this.#root?.ref ?? null;
    for (const [from, targets] of this.#edges) {
      const source = this.#purlOf.get(from);
      const isRoot = from === rootRef;
      if (source === undefined && !isRoot) unknown.add(from);
      for (const target of targets) {
        const purl = this.#purlOf.get(target);
        if (purl === undefined) {
          if (target !== rootRef) unknown.add(target);
        } else if (isRoot) direct.add(purl);
        else if (source !== undefined && source !== purl) this.#byPurl.get(source)?.dependsOn.add(purl);
      }
    }
    if (unknown.size > 0) this.warn(`${unknown.size} references lead to no component: ${[...unknown].slice(0, 5).map((ref) => clean(ref, 200)).join(', ')}${unknown.size > 5 ? ', ...' : ''}.`);
    return direct;
  }
}

/** The canonical package URL; one of type `generic` where the document gives none that can be read. */
function identify(raw: RawComponent): { purl: string; parsed: Purl | null; namespace: string | null; name: string; version: string } {
  if (raw.purl !== null && raw.purl.length <= LENGTH.purl) {
    try {
      const parsed = givenPurl(parsePurl(clean(raw.purl, LENGTH.purl)), raw.installed);
      const version = parsed.version ?? raw.version;
      if (parsed.name.trim() === '') throw new Error('a name of spaces is none');
      return { purl: formatPurl({ ...parsed, version }), parsed, namespace: parsed.namespace, name: parsed.name, version };
    } catch {
      // falls through: the name and version stand for it
    }
  }
  const namespace = cleanOrNull(raw.group, LENGTH.name);
  return { purl: formatPurl({ type: 'generic', namespace, name: raw.name, version: raw.version }), parsed: null, namespace, name: raw.name, version: raw.version };
}

/** On one line, without control characters and what XML cannot hold, cut to a length. */
function clean(text: string, length: number): string {
  return cut(text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufffe\uffff]+/g, ' ').trim(), length);
}

/** The same for a text whose lines matter. */
function cleanLines(text: string, length: number): string {
  return cut(text.replaceAll(/\r\n?|[\u0085\u2028\u2029]/g, '\n').replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\ufffe\uffff]+/g, ' ').replaceAll(/[ \t]+$/gm, '').trim(), length);
}

function cleanOrNull(text: string | null, length: number): string | null {
  const cleaned = text === null ? '' : clean(text, length);
  return cleaned === '' ? null : cleaned;
}

/** A licence as an expression: ids, expressions and URLs as they are, any other free name as LicenseRef-<name>. */
export function licenseText(license: { expression?: string; id?: string; name?: string }): string {
  const given = (license.expression ?? license.id ?? license.name ?? '').trim();
  if (license.expression !== undefined || parseExpression(given).ok || /^https?:/.test(given)) return given;
  const slug = given.replaceAll(/[^A-Za-z0-9.]+/g, '-').replaceAll(/^-+|-+$/g, '');
  return slug === '' ? '' : `LicenseRef-${slug}`;
}
