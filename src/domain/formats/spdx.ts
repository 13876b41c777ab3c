/** SPDX 2.2 and 2.3, whatever the serialisation: packages and relationships become components and edges. */
import type { ComponentType, DependencyScope, Inventory } from '../../core/component.ts';
import { componentType, isDigest } from './cyclonedx.ts';
import { sourceInWords } from './installed.ts';
import { InventoryBuilder, licenseText, SBOM_LIMITS, type RawComponent, type SbomLimits } from './sbom-builder.ts';
import { SbomError } from './sbom-error.ts';
import { HASH_FROM_SPDX, installedInComment, PURPOSES, scopeInComment, typeInComment } from './spdx-vocabulary.ts';

/** A package as the document writes it. */
export interface SpdxPackage {
  id: string;
  name: string;
  version: string;
  purl: string | null;
  /** APPLICATION, LIBRARY, ... */
  purpose: string | null;
  declared: string | null;
  concluded: string | null;
  /** Algorithm (SPDX name: SHA256) to value. */
  checksums: Readonly<Record<string, string>>;
  supplier: string | null;
  description: string | null;
  comment: string | null;
  sourceInfo: string | null;
  copyright: string | null;
}

/** By the name of the purpose, with dashes. */
const TYPES: ReadonlyMap<string, ComponentType> = new Map(Object.entries(PURPOSES).map(([type, purpose]) => [purpose, componentType(type)]));
/** `A DEV_DEPENDENCY_OF B`: B depends on A, which has this scope. */
const SCOPES: Readonly<Record<string, DependencyScope>> = {
  DEPENDENCY_OF: 'required', RUNTIME_DEPENDENCY_OF: 'required', BUILD_DEPENDENCY_OF: 'dev', DEV_DEPENDENCY_OF: 'dev', TEST_DEPENDENCY_OF: 'dev', OPTIONAL_DEPENDENCY_OF: 'optional', PROVIDED_DEPENDENCY_OF: 'excluded',
};
const DOCUMENT = 'SPDXRef-DOCUMENT';
const NOTHING: ReadonlySet<string> = new Set(['', 'NOASSERTION', 'NONE']);

export class SpdxCollector {
  readonly #builder: InventoryBuilder;
  readonly #packages: SpdxPackage[] = [];
  readonly #scopes = new Map<string, DependencyScope>();
  readonly #roots = new Set<string>();
  readonly #limit: number;

  constructor(limits: SbomLimits = SBOM_LIMITS) {
    this.#builder = new InventoryBuilder(limits);
    this.#limit = limits.components;
  }

  package(one: SpdxPackage): void {
    if (this.#packages.length > this.#limit) throw new SbomError('too-large', `The document holds more than ${this.#limit} packages.`);
    this.#packages.push(one);
  }

  /** A licence that the document brings along. */
  extractedLicense(id: string, text: string): void {
    if (!NOTHING.has(text)) this.#builder.licenseText(id, text);
  }

  describes(id: string): void {
    this.#roots.add(id);
  }

  relationship(from: string, type: string, to: string): void {
    if (type === 'DESCRIBES' && from === DOCUMENT) this.describes(to);
    else if (type === 'DESCRIBED_BY' && to === DOCUMENT) this.describes(from);
    else if (type === 'DEPENDS_ON') this.#builder.dependency(from, [to]);
    else {
      const scope = SCOPES[type];
      if (scope === undefined) return;
      this.#builder.dependency(to, [from]);
      if (scope !== 'required') this.#scopes.set(from, scope);
    }
  }

  /** @param version as the document states it, `SPDX-2.3` */
  finish(version: unknown): Inventory {
    if (version !== 'SPDX-2.2' && version !== 'SPDX-2.3') throw new SbomError('unsupported-version', `${typeof version === 'string' ? version : 'A document without a version'} is not read; SPDX-2.2 and SPDX-2.3 are.`);
    // a document that describes all of its packages has no root among them
    const root = this.#roots.size === 1 ? this.#packages.find((one) => this.#roots.has(one.id)) : undefined;
    if (root !== undefined) this.#builder.root({ ref: root.id, name: root.name, version: root.version, purl: root.purl });
    for (const one of this.#packages) if (one !== root) this.#builder.component(this.#toRaw(one));
    return this.#builder.finish();
  }

  #toRaw(one: SpdxPackage): RawComponent {
    const license = [one.declared, one.concluded].find((text) => text !== null && !NOTHING.has(text));
    return {
      ref: one.id, purl: one.purl, type: TYPES.get(one.purpose?.replaceAll('_', '-') ?? '') ?? typeInComment(one.comment) ?? 'library', group: null, name: one.name, version: one.version, scope: this.#scopes.get(one.id) ?? scopeInComment(one.comment) ?? 'required',
      licenses: license === undefined || license === null ? [] : [licenseText({ expression: license })],
      hashes: Object.fromEntries(Object.entries(one.checksums).flatMap(([algorithm, value]) => (HASH_FROM_SPDX[algorithm] !== undefined && isDigest(value) ? [[HASH_FROM_SPDX[algorithm], value.toLowerCase()]] : []))),
      supplier: one.supplier === null || one.supplier === 'NOASSERTION' ? null : one.supplier.replace(/^(?:Organization|Person|Tool):\s*/, '').replace(/\s*\([^()]*@[^()]*\)$/, ''),
      description: one.description, source: sourceInWords(one.sourceInfo), installed: installedInComment(one.comment), copyright: one.copyright === null || NOTHING.has(one.copyright) ? null : one.copyright,
    };
  }
}
