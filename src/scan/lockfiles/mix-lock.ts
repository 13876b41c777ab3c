/** Elixir: mix.lock, a map of tuples, one line each; mix.exs says what is direct. Neither is run: both are read by their usual layout. */
import { formatPurl } from '../../core/purl.ts';
import type { DependencyScope } from '../../core/component.ts';
import { addRoot, scopesFrom } from './reach.ts';
import { beside, locked, type LockFileReader } from './lock-file.ts';

const HEX = /^\s*"([^"]+)":\s*\{:hex,\s*:"?([\w.-]+)"?,\s*"([^"]+)",\s*"([0-9a-f]*)",\s*\[[^\]]*\],\s*\[(.*)\],\s*"[^"]*"(?:,\s*"([0-9a-f]*)")?/;

export const mixLock: LockFileReader = {
  name: 'mix.lock',
  matches: (base) => base === 'mix.lock',
  companion: (base) => base === 'mix.exs',
  read: (text, path, others) => {
    if (!/^\s*%\{/.test(text)) throw new Error('it is not a map');
    const packages = new Map<string, { name: string; version: string; sha256: string; needs: string[] }>();
    let passedOver = 0;
    for (const line of text.split(/\r?\n/)) {
      const [, app, name, version, , needs = '', outer = ''] = HEX.exec(line) ?? [];
      if (app !== undefined && name !== undefined && version !== undefined) packages.set(app, { name, version, sha256: outer, needs: [...needs.matchAll(/\{:"?([\w.-]+)"?,/g)].map((match) => match[1] ?? '') });
      else if (/^\s*"[^"]+":\s*\{/.test(line)) passedOver += 1;
    }
    const roots = directOf(others.text(beside(path, 'mix.exs') ?? ''));
    const scopes = roots === null ? null : scopesFrom(roots, (key) => packages.get(key)?.needs ?? []);
    const components = [...packages].map(([app, { name, version, sha256, needs }]) => locked({
      type: 'hex', name, version, direct: roots === null ? null : roots.has(app), scope: scopes?.get(app) ?? 'required', hashes: sha256 === '' ? {} : { 'SHA-256': sha256 }, path,
      dependsOn: needs.flatMap((need) => {
        const target = packages.get(need);
        return target === undefined ? [] : [formatPurl({ type: 'hex', namespace: null, name: target.name, version: target.version })];
      }),
    }));
    return { components, warnings: passedOver === 0 ? [] : [`${passedOver} dependencies from git or a folder were passed over`] };
  },
};

/** `{:phoenix, "~> 1.7"}`, `{:credo, "~> 1.7", only: [:dev, :test], runtime: false}`. */
function directOf(manifest: string | null): Map<string, DependencyScope> | null {
  if (manifest === null) return null;
  const roots = new Map<string, DependencyScope>();
  for (const [, name = '', rest = ''] of manifest.replaceAll(/^\s*#.*$/gm, '').matchAll(/\{:(\w+),([^{}]*)\}/g)) {
    const only = /only:\s*(\[[^\]]*\]|:\w+)/.exec(rest)?.[1];
    addRoot(roots, name, only !== undefined && !only.includes(':prod') ? 'dev' : /optional:\s*true/.test(rest) ? 'optional' : 'required');
  }
  return roots;
}
