/** Rust, PHP and Ruby: Cargo.lock, composer.lock, Gemfile.lock. */
import { parse } from 'smol-toml';
import type { DetectedComponent } from '../../core/component.ts';
import { formatPurl } from '../../core/purl.ts';
import { beside, locked, otherJson, parseJsonObject, record, records, textOf, type LockFileReader } from './lock-file.ts';

export const cargoLock: LockFileReader = {
  name: 'Cargo.lock',
  matches: (base) => base === 'Cargo.lock',
  read: (text, path) => {
    const packages = records(record(parse(text))['package']).map((one) => ({
      name: textOf(one['name']) ?? '', version: textOf(one['version']) ?? '', source: textOf(one['source']), checksum: textOf(one['checksum']),
      dependencies: Array.isArray(one['dependencies']) ? one['dependencies'].filter((name: unknown) => typeof name === 'string') : [],
    }));
    const versionsOf = new Map<string, string[]>();
    for (const { name, version } of packages) versionsOf.set(name, [...(versionsOf.get(name) ?? []), version]);
    const purlOf = (dependency: string): string => {
      const [name = '', version] = dependency.split(' ');
      return formatPurl({ type: 'cargo', namespace: null, name, version: version ?? versionsOf.get(name)?.[0] ?? '' });
    };
    const own = packages.filter((one) => one.source === null);
    const direct = new Set(own.flatMap((one) => one.dependencies.map(purlOf)));
    const components = packages.filter((one) => one.source !== null).map(({ name, version, checksum, dependencies }) =>
      locked({ type: 'cargo', name, version, direct: direct.has(purlOf(`${name} ${version}`)), hashes: checksum === null ? {} : { 'SHA-256': checksum }, dependsOn: dependencies.map(purlOf), path }));
    return { components, warnings: [] };
  },
};

export const composerLock: LockFileReader = {
  name: 'composer.lock',
  matches: (base) => base === 'composer.lock',
  companion: (base) => base === 'composer.json',
  read: (text, path, others) => {
    const lock = parseJsonObject(text);
    const manifest = otherJson(others, beside(path, 'composer.json'));
    const direct = manifest === null ? null : new Set([...Object.keys(record(manifest['require'])), ...Object.keys(record(manifest['require-dev']))].map((name) => name.toLowerCase()));
    const purlOf = providers([...records(lock['packages']), ...records(lock['packages-dev'])]);
    const section = (name: string, scope: 'required' | 'dev'): DetectedComponent[] =>
      records(lock[name]).flatMap((one) => {
        const [namespace, name] = (textOf(one['name']) ?? '').split('/');
        const version = composerVersion(one);
        const full = (textOf(one['name']) ?? '').toLowerCase();
        if (namespace === undefined || name === undefined || version === null) return [];
        const licenses = Array.isArray(one['license']) ? one['license'].filter((license: unknown) => typeof license === 'string') : [];
        return [locked({
          type: 'composer', namespace, name, version, direct: direct === null ? null : direct.has(full), scope, license: licenses.length === 0 ? null : licenses.join(' OR '),
          dependsOn: Object.keys(record(one['require'])).flatMap((need) => purlOf.get(need.toLowerCase()) ?? []), path,
        })];
      });
    return { components: [...section('packages', 'required'), ...section('packages-dev', 'dev')], warnings: [] };
  },
};

const composerVersion = (one: Record<string, unknown>): string | null => textOf(one['version'])?.replace(/^v(?=\d)/, '') ?? null;

/** Package URLs by name, also by the names of virtual packages that one `provide`s or `replace`s. */
function providers(packages: readonly Record<string, unknown>[]): Map<string, string> {
  const found = new Map<string, string>();
  const real = packages.flatMap((one) => {
    const [namespace, name] = (textOf(one['name']) ?? '').split('/');
    const version = composerVersion(one);
    return namespace === undefined || name === undefined || version === null ? [] : [{ one, purl: formatPurl({ type: 'composer', namespace, name, version }) }];
  });
  for (const { one, purl } of real) for (const name of [...Object.keys(record(one['provide'])), ...Object.keys(record(one['replace']))]) found.set(name.toLowerCase(), purl);
  for (const { one, purl } of real) found.set((textOf(one['name']) ?? '').toLowerCase(), purl);
  return found;
}

/** Sections GEM/specs (four spaces: a gem, six: what it needs) and DEPENDENCIES (the direct ones). */
export const gemfileLock: LockFileReader = {
  name: 'Gemfile.lock',
  matches: (base) => base === 'Gemfile.lock' || base === 'gems.locked',
  read: (text, path) => {
    const gems: { name: string; version: string; needs: string[] }[] = [];
    const direct = new Set<string>();
    let section = '';
    for (const line of text.split(/\r?\n/)) {
      if (/^[A-Z]/.test(line)) section = line.trim();
      const [, name, version] = /^ {4}([^\s(]+) \(([^)\s]+)\)$/.exec(line) ?? [];
      if (section === 'GEM' && name !== undefined && version !== undefined) gems.push({ name, version: version.replace(/-(?:x86|x64|arm|aarch|java|universal).*$/, ''), needs: [] });
      const needed = section === 'GEM' ? /^ {6}([^\s(]+)/.exec(line)?.[1] : undefined;
      if (needed !== undefined) gems.at(-1)?.needs.push(needed);
      const wanted = section === 'DEPENDENCIES' ? /^ {2}([^\s(!]+)/.exec(line)?.[1] : undefined;
      if (wanted !== undefined) direct.add(wanted);
    }
    const versionOf = new Map(gems.map((gem) => [gem.name, gem.version]));
    const purlOf = (name: string): string => formatPurl({ type: 'gem', namespace: null, name, version: versionOf.get(name) ?? '' });
    return { components: gems.map(({ name, version, needs }) => locked({ type: 'gem', name, version, direct: direct.has(name), dependsOn: needs.filter((one) => versionOf.has(one)).map(purlOf), path })), warnings: [] };
  },
};
