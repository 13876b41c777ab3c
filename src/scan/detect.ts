/** Components of a source tree: every lock file that it holds, merged by package URL. One bad file is a warning, not a failed scan. */
import { setImmediate } from 'node:timers/promises';
import type { DetectedComponent, Inventory } from '../core/component.ts';
import { ArchiveError, type ArchiveLimits } from './archive-bounds.ts';
import { readArchive, type ArchiveFormat } from './archive.ts';
import { decodeText } from './decode.ts';
import { findLicenses, isLicenseFile } from './license-files.ts';
import { HEAD_BYTES, LicenseHeaders } from './license-headers.ts';
import { READERS, type LockFileReader, type OtherFiles } from './lockfiles/index.ts';

/** Folders whose lock files are not the product's own. */
const LEFT_OUT = /(?:^|\/)(?:node_modules|\.git|vendor|bower_components)\//;
const MAX_COMPONENTS = 200_000;
const MAX_LOCK_FILES = 5000;
const MAX_WARNINGS = 100;
/** The event loop gets a turn after so many bytes: heartbeats and other scans wait for it. */
const BREATHE_BYTES = 1024 * 1024;

interface SourceFile {
  path: string;
  data: Uint8Array;
}

export async function detectArchive(path: string, format: ArchiveFormat, limits?: ArchiveLimits): Promise<Inventory> {
  const files: SourceFile[] = [];
  const headers = new LicenseHeaders();
  for await (const file of readArchive(path, format, (name) => isWanted(name) || (headers.wants(name) && HEAD_BYTES), limits)) {
    if (isWanted(file.path)) files.push(file);
    else headers.add(file.path, file.data.toString('utf8'));
  }
  return detect(files, headers);
}

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

function readerOf(path: string): LockFileReader | undefined {
  return LEFT_OUT.test(path) ? undefined : READERS.find((reader) => reader.matches(baseName(path), path));
}

/** Is the file read, for itself or for what it says of another one? */
export function isWanted(path: string): boolean {
  if (isLicenseFile(path)) return true;
  if (LEFT_OUT.test(path)) return false;
  const base = baseName(path);
  return READERS.some((reader) => reader.matches(base, path) || reader.companion?.(base) === true);
}

/** Throws ArchiveError where there is too much of it. */
export async function detect(files: readonly SourceFile[], headers = new LicenseHeaders()): Promise<Inventory> {
  const merged = new Map<string, DetectedComponent>();
  const warnings: string[] = [];
  let occurrences = 0;
  let read = 0;
  let unbreathed = 0;
  const texts = new Map(files.map(({ path, data }) => [path, data]));
  const others: OtherFiles = {
    paths: [...texts.keys()],
    text: (path) => {
      const data = texts.get(path);
      try {
        return data === undefined ? null : decodeText(data);
      } catch {
        return null;
      }
    },
  };
  for (const { path, data } of files.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    const reader = readerOf(path);
    if (reader === undefined) continue;
    read += 1;
    if (read > MAX_LOCK_FILES) throw new ArchiveError('too-large', `The source holds more than ${MAX_LOCK_FILES} lock files.`);
    unbreathed += data.length;
    if (unbreathed > BREATHE_BYTES) {
      unbreathed = 0;
      await setImmediate();
    }
    try {
      const found = reader.read(decodeText(data), path, others);
      warnings.push(...found.warnings.map((warning) => `${path}: ${warning}`));
      occurrences += found.components.length;
      for (const component of found.components) merge(merged, component);
    } catch (error) {
      warnings.push(`${path} could not be read as ${reader.name}: ${error instanceof Error ? error.message.slice(0, 200) : String(error)}`);
    }
    if (merged.size > MAX_COMPONENTS) throw new ArchiveError('too-large', `The source names more than ${MAX_COMPONENTS} components.`);
  }
  if (read === 0) warnings.push('No lock file was found.');
  const components = [...merged.values()];
  const licenses = findLicenses(files, components);
  const licensed = components.map((component) => {
    const detectedLicense = licenses.components.get(component.purl);
    return detectedLicense === undefined ? component : { ...component, detectedLicense };
  });
  return { root: null, ownLicense: headers.joinedWith(licenses.own), components: licensed, occurrences, warnings: warnings.slice(0, MAX_WARNINGS) };
}

const SCOPE_RANK = { required: 0, optional: 1, dev: 2, excluded: 3 } as const;

/** The same package in two files is one component: direct where either says so, with the stronger scope and both files' edges. */
function merge(into: Map<string, DetectedComponent>, found: DetectedComponent): void {
  const known = into.get(found.purl);
  if (known === undefined) {
    into.set(found.purl, found);
    return;
  }
  into.set(found.purl, {
    ...known,
    direct: known.direct === true || found.direct === true ? true : (known.direct ?? found.direct),
    scope: SCOPE_RANK[found.scope] < SCOPE_RANK[known.scope] ? found.scope : known.scope,
    dependsOn: [...new Set([...known.dependsOn, ...found.dependsOn])],
    declaredLicense: known.declaredLicense ?? found.declaredLicense,
    hashes: { ...found.hashes, ...known.hashes },
  });
}
