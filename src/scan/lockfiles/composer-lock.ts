/** PHP: composer.lock; composer.json says what is direct. */
import type { DetectedComponent } from '../../core/component.ts';
import { formatPurl } from '../../core/purl.ts';
import { beside, locked, otherJson, parseJsonObject, record, records, textOf, type LockFileReader } from './lock-file.ts';

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
        const shasum = textOf(record(one['dist'])['shasum']);
        const licenses = Array.isArray(one['license']) ? one['license'].filter((license: unknown) => typeof license === 'string') : [];
        return [locked({
          type: 'composer', namespace, name, version, direct: direct === null ? null : direct.has(full), scope, license: licenses.length === 0 ? null : licenses.join(' OR '), hashes: shasum === null || shasum === '' ? {} : { 'SHA-1': shasum },
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
