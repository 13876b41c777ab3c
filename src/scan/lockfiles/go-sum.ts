/**
 * Go: go.sum holds the checksums of all modules that were ever looked at, more than are built. It is read only where go.mod does not list the
 * transitive modules (a `go` directive below 1.17, or no go.mod beside it): of each module the highest version whose code was fetched.
 */
import { goParts } from './go-mod.ts';
import { beside, locked, type LockFileReader } from './lock-file.ts';

export const goSum: LockFileReader = {
  name: 'go.sum',
  matches: (base) => base === 'go.sum',
  read: (text, path, others) => {
    const mod = others.text(beside(path, 'go.mod') ?? '');
    if (mod !== null && listsAll(mod)) return { components: [], warnings: [] };
    const highest = new Map<string, string>();
    for (const line of text.split(/\r?\n/)) {
      const [, module, version] = /^(\S+) (v\S+) h1:/.exec(line) ?? [];
      if (module === undefined || version === undefined || version.endsWith('/go.mod')) continue;
      const known = highest.get(module);
      if (known === undefined || compare(version, known) > 0) highest.set(module, version);
    }
    const inMod = new Set([...(mod ?? '').matchAll(/^\s*(?:require\s+)?(\S+)\s+v\d\S*/gm)].map((match) => match[1]));
    const components = [...highest].filter(([module]) => !inMod.has(module)).map(([module, version]) => locked({ type: 'golang', ...goParts(module), version, direct: mod === null ? null : false, path }));
    return { components, warnings: [`go.mod ${mod === null ? 'is missing' : 'is older than Go 1.17'}: the modules of go.sum were taken, some of which may not be built`] };
  },
};

function listsAll(mod: string): boolean {
  const [, major = '1', minor = '0'] = /^go\s+(\d+)\.(\d+)/m.exec(mod) ?? [];
  return Number(major) > 1 || Number(minor) >= 17;
}

/** Enough of semantic versions to pick the higher one; a release is above its pre-releases. */
function compare(one: string, two: string): number {
  const parts = (version: string): [number[], string] => {
    const [, core = '', pre = ''] = /^v([\d.]+)(?:-([^+]*))?/.exec(version) ?? [];
    return [core.split('.').map(Number), pre];
  };
  const [[a, preA], [b, preB]] = [parts(one), parts(two)];
  for (let index = 0; index < 3; index += 1) if (a[index] !== b[index]) return (a[index] ?? 0) - (b[index] ?? 0);
  if (preA === preB) return 0;
  return preA === '' || (preB !== '' && preA > preB) ? 1 : -1;
}
