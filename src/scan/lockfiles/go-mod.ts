/** Go: go.mod, which lists every module since Go 1.17; `// indirect` marks the transitive ones. */
import { locked, type LockFileReader } from './lock-file.ts';

const REQUIRE = /^([^\s"]+)\s+(v[^\s]+)(?:\s*\/\/\s*(.*))?$/;
const REPLACE = /^(\S+)(?:\s+(v\S+))?\s*=>\s*(\S+)(?:\s+(v\S+))?/;

export const goMod: LockFileReader = {
  name: 'go.mod',
  matches: (base) => base === 'go.mod',
  read: (text, path) => {
    if (!/^\s*module\s+\S/m.test(text)) throw new Error('it has no module line');
    const required = new Map<string, { version: string; direct: boolean }>();
    const replaced = new Map<string, { module: string; version: string } | null>();
    for (const { directive, line } of directives(text)) {
      const [, module, version, comment] = directive === 'require' ? (REQUIRE.exec(line) ?? []) : [];
      if (module !== undefined && version !== undefined) required.set(module, { version, direct: !/\bindirect\b/.test(comment ?? '') });
      if (directive === 'replace') {
        const [, from, , to, toVersion] = REPLACE.exec(line) ?? [];
        if (from !== undefined) replaced.set(from, to === undefined || toVersion === undefined ? null : { module: to, version: toVersion });
      }
    }
    const warnings: string[] = [];
    const components = [...required].flatMap(([module, { version, direct }]) => {
      const other = replaced.get(module);
      if (other === null) {
        warnings.push(`${module} is replaced by a local folder, whose version is not known`);
        return [];
      }
      const { namespace, name } = goParts(other?.module ?? module);
      return [locked({ type: 'golang', namespace, name, version: other?.version ?? version, direct, path })];
    });
    return { components, warnings };
  },
};

/** Statements of blocks and single lines alike, without comments of their own. */
function* directives(text: string): Generator<{ directive: string; line: string }> {
  let block: string | null = null;
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.trim();
    if (line === '' || line.startsWith('//')) continue;
    if (block !== null && line.startsWith(')')) block = null;
    else if (block !== null) yield { directive: block, line };
    else {
      const [, directive = '', rest = ''] = /^(\w+)\s*(.*)$/.exec(line) ?? [];
      if (rest.startsWith('(')) block = directive;
      else yield { directive, line: rest };
    }
  }
}

/** The last segment is the name; a `/v2` belongs to the path. */
export function goParts(module: string): { namespace: string | null; name: string } {
  const slash = module.lastIndexOf('/');
  return slash === -1 ? { namespace: null, name: module } : { namespace: module.slice(0, slash), name: module.slice(slash + 1) };
}

