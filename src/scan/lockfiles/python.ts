/** Python: poetry.lock, uv.lock, Pipfile.lock and requirements files. */
import { parse } from 'smol-toml';
import type { DetectedComponent } from '../../core/component.ts';
import { formatPurl } from '../../core/purl.ts';
import { locked, parseJsonObject, pypiName, record, records, textOf, type LockFileReader } from './lock-file.ts';

const pypiPurl = (name: string, version: string): string => formatPurl({ type: 'pypi', namespace: null, name: pypiName(name), version });

/** `[[package]]` tables of poetry and uv; `dependencies` is a table in one and an array in the other. */
function fromTables(text: string, path: string, isOwn: (table: Record<string, unknown>) => boolean): DetectedComponent[] {
  const tables = records(record(parse(text))['package']);
  const versions = new Map(tables.map((table) => [pypiName(textOf(table['name']) ?? ''), textOf(table['version']) ?? '']));
  const namesOf = (table: Record<string, unknown>): string[] => {
    const value = table['dependencies'];
    return Array.isArray(value) ? records(value).flatMap((one) => textOf(one['name']) ?? []) : Object.keys(record(value));
  };
  const own = tables.filter(isOwn);
  const direct = own.length === 0 ? null : new Set(own.flatMap(namesOf).map(pypiName));
  return tables.filter((table) => !isOwn(table)).flatMap((table) => {
    const [name, version] = [textOf(table['name']), textOf(table['version'])];
    if (name === null || version === null) return [];
    const dependsOn = namesOf(table).flatMap((one) => (versions.has(pypiName(one)) ? [pypiPurl(one, versions.get(pypiName(one)) ?? '')] : []));
    return [locked({ type: 'pypi', name: pypiName(name), version, direct: direct === null ? null : direct.has(pypiName(name)), scope: isDev(table) ? 'dev' : table['optional'] === true ? 'optional' : 'required', dependsOn, path })];
  });
}

function isDev(table: Record<string, unknown>): boolean {
  const groups = table['groups'];
  return table['category'] === 'dev' || (Array.isArray(groups) && groups.length > 0 && !groups.includes('main'));
}

export const poetryLock: LockFileReader = {
  name: 'poetry.lock',
  matches: (base) => base === 'poetry.lock',
  read: (text, path) => ({ components: fromTables(text, path, () => false), warnings: [] }),
};

export const uvLock: LockFileReader = {
  name: 'uv.lock',
  matches: (base) => base === 'uv.lock',
  read: (text, path) => ({ components: fromTables(text, path, (table) => ['virtual', 'editable'].some((kind) => record(table['source'])[kind] !== undefined)), warnings: [] }),
};

export const pipfileLock: LockFileReader = {
  name: 'Pipfile.lock',
  matches: (base) => base === 'Pipfile.lock',
  read: (text, path) => {
    const lock = parseJsonObject(text);
    const section = (name: string, scope: 'required' | 'dev'): DetectedComponent[] =>
      Object.entries(record(lock[name])).flatMap(([one, value]) => {
        const version = textOf(record(value)['version'])?.replace(/^===?/, '');
        return version === undefined ? [] : [locked({ type: 'pypi', name: pypiName(one), version, direct: null, scope, path })];
      });
    return { components: [...section('default', 'required'), ...section('develop', 'dev')], warnings: [] };
  },
};

const PINNED = /^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*===?\s*([A-Za-z0-9][A-Za-z0-9.!+_-]*)$/;

/** Only pins (`==`) name a version; ranges are warned about, since any version guessed for them could be wrong. */
export const requirements: LockFileReader = {
  name: 'requirements.txt',
  matches: (base) => /^requirements[\w.-]*\.txt$/i.test(base),
  read: (text, path) => {
    const components: DetectedComponent[] = [];
    const loose: string[] = [];
    for (const line of text.replaceAll(/\\\r?\n/g, ' ').split(/\r?\n/)) {
      const requirement = (line.split(/(?:^|\s)#/)[0] ?? '').split(';')[0]?.replace(/\s--\S.*$/, '').trim() ?? '';
      if (requirement === '' || requirement.startsWith('-')) continue;
      const [, name, version] = PINNED.exec(requirement) ?? [];
      if (name === undefined || version === undefined) loose.push(requirement.slice(0, 80));
      else components.push(locked({ type: 'pypi', name: pypiName(name), version, direct: null, scope: /dev|test/i.test(path.slice(path.lastIndexOf('/') + 1)) ? 'dev' : 'required', path }));
    }
    return { components, warnings: loose.length === 0 ? [] : [`${loose.length} requirements without a pinned version were passed over: ${loose.slice(0, 5).join(', ')}`] };
  },
};
