/** A component as a source states it, before it meets the database. Every SBOM parser and lock-file reader yields these. */

/** CycloneDX 1.6 component types, the vocabulary that SPDX's primaryPackagePurpose maps onto. */
export type ComponentType =
  | 'application' | 'container' | 'cryptographic-asset' | 'data' | 'device' | 'device-driver' | 'file' | 'firmware'
  | 'framework' | 'library' | 'machine-learning-model' | 'operating-system' | 'platform';

/** Whether the product needs the component when it runs; `excluded` is CycloneDX's word for "not shipped". */
export type DependencyScope = 'required' | 'optional' | 'dev' | 'excluded';

export interface DetectedComponent {
  /** Identity inside its document (`bom-ref`, SPDXID, lock-file key); unique there after parsing. */
  ref: string;
  /** Canonical package URL with version, qualifiers and subpath; `pkg:generic/...` where the source gives none. */
  purl: string;
  type: ComponentType;
  /** Maven groupId, npm scope with its `@`, Go path before the last segment is NOT split: as the package URL's namespace. */
  namespace: string | null;
  name: string;
  /** Empty where the source knows no version. */
  version: string;
  scope: DependencyScope;
  /** A direct dependency of the root; null where the source has no dependency graph. */
  direct: boolean | null;
  /** Refs of the components that this one depends on. */
  dependsOn: readonly string[];
  /** What the source says of the licence, joined into one SPDX-like expression; null where it says nothing. Not yet normalised. */
  declaredLicense: string | null;
  /** Algorithm (CycloneDX name, e.g. `SHA-256`) to lower-case hex. */
  hashes: Readonly<Record<string, string>>;
  supplier: string | null;
  /** Copyright notices as the source states them, lines apart; absent where it states none. */
  copyright?: string;
  description: string | null;
  /** Path of the file in the source that names the component; null for an SBOM. */
  evidence: string | null;
  /** Qualifiers that the package URL lacks and the source knows otherwise, by which a distribution's package is matched: `distro`, `upstream`, `epoch`. */
  installed?: ReadonlyMap<string, string>;
  /** Where the source holds the package's own files. */
  detectedLicense?: DetectedLicense;
}

/** What licence files were found to say. */
export interface DetectedLicense {
  /** Joined into one SPDX-like expression, not yet normalised. */
  expression: string;
  /** The first of the files that say it. */
  path: string;
}

/** A licence of the source's own, and its text. */
export interface LicenseText {
  /** `LicenseRef-...` */
  id: string;
  text: string;
}

/** What a source holds. */
export interface Inventory {
  /** The product the document describes, where it says. */
  root: { ref: string | null; name: string; version: string; purl: string | null } | null;
  /** What the licence files of the product itself say; left out where the source has no files. */
  ownLicense?: DetectedLicense | null;
  /** Distinct by package URL. */
  components: readonly DetectedComponent[];
  /** Components as the source counts them: nested ones and repeats included. */
  occurrences: number;
  /** Texts of licences that are on no list, which the source brings along. */
  licenseTexts?: readonly LicenseText[];
  /** What could not be read and was passed over, in words for a person. */
  warnings: readonly string[];
}
