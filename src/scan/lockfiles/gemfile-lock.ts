/** Ruby: Gemfile.lock. The Gemfile beside it, which is a program, is not run: its groups are read by its usual layout. */
import type { DependencyScope } from '../../core/component.ts';
import { formatPurl } from '../../core/purl.ts';
import { beside, locked, type LockFileReader, type OtherFiles } from './lock-file.ts';
import { addRoot, scopesFrom } from './reach.ts';

interface Gem {
  version: string;
  /** Of the repository's own folder, so no component. */
  isOwn: boolean;
  needs: string[];
}

const PLATFORM = /-(?:x86|x64|arm|aarch|java|jruby|universal|mingw|mswin|powerpc|ppc|riscv|s390).*$/;

/** Sections GEM, GIT and PATH have gems (four spaces) and what they need (six); DEPENDENCIES are the direct ones, CHECKSUMS those of gems without a platform. */
export const gemfileLock: LockFileReader = {
  name: 'Gemfile.lock',
  matches: (base) => base === 'Gemfile.lock' || base === 'gems.locked',
  companion: (base) => base === 'Gemfile' || base === 'gems.rb',
  read: (text, path, others) => {
    const gems = new Map<string, Gem>();
    const asked: string[] = [];
    const checksums = new Map<string, string>();
    let section = '';
    let last: Gem | null = null;
    for (const line of text.split(/\r?\n/)) {
      if (/^[A-Z]/.test(line)) section = line.trim();
      const [, name, version] = /^ {4}([^\s(]+) \(([^)\s]+)\)$/.exec(line) ?? [];
      if (/^(?:GEM|GIT|PATH|PLUGIN SOURCE)$/.test(section) && name !== undefined && version !== undefined) {
        last = gems.get(name) ?? { version: version.replace(PLATFORM, ''), isOwn: section === 'PATH', needs: [] };
        gems.set(name, last);
      }
      const [, needed] = /^ {6}([^\s(]+)/.exec(line) ?? [];
      if (needed !== undefined) last?.needs.push(needed);
      const [, sumName, sumVersion, sum] = /^ {2}([^\s(]+) \(([^)\s]+)\) (?:.*,)?sha256=([0-9a-f]{64})/.exec(line) ?? [];
      if (section === 'CHECKSUMS' && sumName !== undefined && sum !== undefined) checksums.set(`${sumName} ${sumVersion ?? ''}`, sum);
      const [, wanted] = section === 'DEPENDENCIES' ? (/^ {2}([^\s(!]+)/.exec(line) ?? []) : [];
      if (wanted !== undefined) asked.push(wanted);
    }
    if (section === '') throw new Error('it has no sections');
    const roots = rootsOf(gems, asked, gemfileOf(path, others));
    const scopes = scopesFrom(roots, (name) => gems.get(name)?.needs ?? []);
    const purlOf = (name: string, version: string): string => formatPurl({ type: 'gem', namespace: null, name, version });
    const components = [...gems].filter(([, { isOwn }]) => !isOwn).map(([name, { version, needs }]) => {
      const sum = checksums.get(`${name} ${version}`);
      return locked({
        type: 'gem', name, version, direct: roots.has(name), scope: scopes.get(name) ?? 'required', hashes: sum === undefined ? {} : { 'SHA-256': sum }, path,
        dependsOn: [...new Set(needs)].flatMap((one) => {
          const target = gems.get(one);
          return target === undefined || target.isOwn ? [] : [purlOf(one, target.version)];
        }),
      });
    });
    return { components, warnings: [] };
  },
};

/** What the Gemfile and the repository's own gems ask for. Names that the Gemfile has not come from `gemspec`, which puts them into its development group. */
function rootsOf(gems: ReadonlyMap<string, Gem>, asked: readonly string[], gemfile: Gemfile | null): Map<string, DependencyScope> {
  const roots = new Map<string, DependencyScope>();
  for (const name of asked) addRoot(roots, name, gemfile === null ? 'required' : (gemfile.scopes.get(name) ?? (gemfile.hasGemspec && gems.get(name)?.isOwn !== true ? 'dev' : 'required')));
  for (const [name, { isOwn, needs }] of gems) if (isOwn && roots.get(name) !== 'dev') for (const need of needs) addRoot(roots, need, 'required');
  return roots;
}

interface Gemfile {
  scopes: ReadonlyMap<string, 'required' | 'dev'>;
  hasGemspec: boolean;
}

/** Blocks `group ... do`, and `group:` of a single gem; a gem is for development where all of its groups are. */
function gemfileOf(path: string, others: OtherFiles): Gemfile | null {
  const text = others.text(beside(path, path.endsWith('gems.locked') ? 'gems.rb' : 'Gemfile') ?? '');
  if (text === null) return null;
  const scopes = new Map<string, 'required' | 'dev'>();
  const blocks: (string | null)[] = [];
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.replace(/(?:^|\s)#.*$/, '').trim();
    const [, name, options = ''] = /^gem[\s(]+["']([^"']+)["'](.*)$/.exec(line) ?? [];
    const groups = [...blocks.filter((one) => one !== null), /(?:\bgroups?:|:groups?\s*=>)\s*(\[[^\]]*\]|:\w+|["']\w+["'])/.exec(options)?.[1] ?? ''].join(' ');
    if (name !== undefined) {
      const isDev = /\w/.test(groups) && (groups.match(/\w+/g) ?? []).every((group) => /^(?:dev|test|lint|doc|ci$|cucumber|rubocop|debug|rake$|mri$|benchmark)/.test(group));
      if (scopes.get(name) !== 'required') scopes.set(name, isDev ? 'dev' : 'required');
    }
    if (/^end\b/.test(line)) blocks.pop();
    else if (/\bdo\s*(?:\|[^|]*\|)?$/.test(line)) blocks.push(/^group\b/.test(line) ? line.replace(/^group|\bdo\s*(?:\|[^|]*\|)?$|\b\w+:\s*\w+/g, ' ') : null);
    else if (/^(?:if|unless|case|begin|def|while|until|for)\b/.test(line) && !/\bend$/.test(line)) blocks.push(null);
  }
  return { scopes, hasGemspec: /^\s*gemspec\b/m.test(text) };
}
