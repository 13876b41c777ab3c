/**
 * Python: requirements files. Only pins (`==`) name a version; ranges are warned about, since any version guessed for them could be wrong.
 * pip-compile's comments (`# via`) say what is direct and what needs what.
 */
import { formatPurl } from '../../core/purl.ts';
import { beside, locked, pypiName, type LockFileReader, type OtherFiles } from './lock-file.ts';

const FILE = /^(?:[\w.-]*[-_.])?requirements[\w.-]*\.txt$|^constraints[\w.-]*\.txt$/i;
const IN_FOLDER = /(?:^|\/)requirements\/[\w.-]+\.txt$/i;
const NAME = /^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(.*)$/;
const PIN = /^===?\s*([A-Za-z0-9][A-Za-z0-9.!+_-]*)$/;
const MAX_INCLUDES = 50;

interface Requirement {
  name: string;
  version: string | null;
  /** From `# via`; null where there is no such comment. */
  via: string[] | null;
}

export const requirements: LockFileReader = {
  name: 'requirements.txt',
  // Constraints name versions, but nothing that is installed by itself: they are read for others only.
  matches: (base, path) => !/^constraints/i.test(base) && (FILE.test(base) || IN_FOLDER.test(path)),
  companion: (base) => FILE.test(base),
  read: (text, path, others) => {
    const { found, constraints, missing } = readWithIncludes(text, path, others);
    const pinned = found.flatMap((one) => {
      const version = one.version ?? constraints.get(one.name);
      return version === undefined ? [] : [{ ...one, version }];
    });
    const versionOf = new Map(pinned.map(({ name, version }) => [name, version]));
    const loose = found.filter(({ name }) => !versionOf.has(name)).map(({ name }) => name);
    const scope = /dev|test|lint|docs?\b/i.test(path.slice(path.lastIndexOf('/') + 1)) ? 'dev' : 'required';
    const neededBy = new Map<string, string[]>();
    for (const other of pinned) {
      const purl = formatPurl({ type: 'pypi', namespace: null, name: other.name, version: other.version });
      for (const name of new Set(other.via?.map(pypiName))) {
        const known = neededBy.get(name);
        if (known === undefined) neededBy.set(name, [purl]);
        else known.push(purl);
      }
    }
    const components = pinned.map(({ name, version, via }) => locked({
      type: 'pypi', name, version, direct: via === null ? null : via.some((one) => /^-[rc]\b|\(|pyproject\.toml|setup\.(?:py|cfg)|\.in$/.test(one)), scope, path,
      dependsOn: neededBy.get(name) ?? [],
    }));
    const warnings = loose.length === 0 ? [] : [`${loose.length} requirements without a pinned version were passed over: ${loose.slice(0, 5).join(', ')}`];
    return { components, warnings: [...warnings, ...missing.map((name) => `it includes ${name}, which was not found`)] };
  },
};

interface Gathered {
  found: Requirement[];
  constraints: Map<string, string>;
  missing: string[];
}

/** `-r` files are read by themselves where their name is one of ours; otherwise what they hold counts here. `-c` files give versions. */
function readWithIncludes(text: string, path: string, others: OtherFiles): Gathered {
  const gathered: Gathered = { found: [], constraints: new Map(), missing: [] };
  const seen = new Set([path]);
  const visit = (content: string, from: string, asConstraint: boolean): void => {
    for (const line of logicalLines(content)) {
      const [, option, target] = /^(-r|--requirement|-c|--constraint)[\s=]*(\S+)/.exec(line.text) ?? [];
      if (option === undefined || target === undefined) {
        const requirement = requirementOf(line);
        if (requirement === null) continue;
        if (!asConstraint) gathered.found.push(requirement);
        else if (requirement.version !== null) gathered.constraints.set(requirement.name, requirement.version);
        continue;
      }
      const place = beside(from, target);
      if (place === null || seen.has(place) || seen.size > MAX_INCLUDES) continue;
      seen.add(place);
      const included = others.text(place);
      if (included === null) gathered.missing.push(target.slice(0, 100));
      else if (option.startsWith('-c') || option === '--constraint') visit(included, place, true);
      else if (!requirements.matches(place.slice(place.lastIndexOf('/') + 1), place)) visit(included, place, asConstraint);
    }
  };
  visit(text, path, false);
  return gathered;
}

/** Lines joined at `\`, without comments; the names of the `# via` comment on the line or below it. */
function logicalLines(text: string): { text: string; via: string[] | null }[] {
  const lines: { text: string; via: string[] | null }[] = [];
  for (const raw of text.replaceAll(/\\\r?\n/g, ' ').split(/\r?\n/)) {
    const [content = '', ...rest] = raw.split(/(?:^|\s)#/);
    const comment = rest.join('#').trim();
    const last = lines.at(-1);
    if (content.trim() !== '') lines.push({ text: content.trim(), via: via(comment) });
    else if (last !== undefined && /^via\b/.test(comment)) last.via = via(comment);
    else if (last !== undefined && last.via !== null && comment !== '') last.via.push(comment);
  }
  return lines;
}

const via = (comment: string): string[] | null => (/^via\b/.test(comment) ? comment.slice(3).split(',').map((one) => one.trim()).filter((one) => one !== '') : null);

function requirementOf(line: { text: string; via: string[] | null }): Requirement | null {
  const plain = (line.text.split(';')[0] ?? '').replace(/\s--\S.*$/, '').trim();
  if (plain === '' || plain.startsWith('-')) return null;
  const [, name, specifiers = ''] = NAME.exec(plain) ?? [];
  if (name === undefined) return null;
  const version = specifiers.startsWith('@') ? undefined : specifiers.replaceAll(/^\(|\)$/g, '').split(',').map((one) => PIN.exec(one.trim())?.[1]).find((one) => one !== undefined);
  return { name: pypiName(name), version: version ?? null, via: line.via };
}
