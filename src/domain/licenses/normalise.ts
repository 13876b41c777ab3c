/** From what a source declares to a canonical SPDX expression. */
import { formatExpression, parseExpression, type Expression } from './expression.ts';
import { replacementFor } from './deprecated.ts';
import { expressionForName } from './names.ts';
import { findSpdxLicense } from './spdx-list.ts';

/**
 * Canonical ids, deprecated ones replaced, names and URLs resolved. What is not known becomes `LicenseRef-<name>`, so that nothing is
 * lost; null where the text says nothing (empty, NONE, NOASSERTION).
 */
export function normalise(declared: string): string | null {
  const text = declared.trim();
  if (text === '' || /^(?:none|noassertion|unknown|n\/a)$/i.test(text)) return null;
  const parsed = parseExpression(text);
  if (parsed.ok) return formatExpression(rewrite(parsed.tree));
  return expressionForName(text) ?? reference(text);
}

function rewrite(tree: Expression): Expression {
  switch (tree.kind) {
    case 'license':
      return resolve(tree.id, tree.orLater);
    case 'reference':
      return (tree.document === null ? fromName(tree.id.replaceAll('-', ' ')) : null) ?? tree;
    case 'with': {
      const license = rewrite(tree.license);
      return license.kind === 'with' || license.kind === 'and' || license.kind === 'or' ? license : { ...tree, license };
    }
    case 'and':
    case 'or':
      return compound(tree.kind, tree.parts.map(rewrite));
  }
}

/** Equal parts count once; a compound of one part is that part. */
function compound(kind: 'and' | 'or', parts: readonly Expression[]): Expression {
  const unique = [...new Map(parts.flatMap((part) => (part.kind === kind ? part.parts : [part])).map((part) => [formatExpression(part, kind), part])).values()];
  const [only] = unique;
  return only !== undefined && unique.length === 1 ? only : { kind, parts: unique };
}

function resolve(id: string, orLater: boolean): Expression {
  const known = findSpdxLicense(orLater ? `${id}+` : id) ?? findSpdxLicense(id);
  if (known === undefined) return fromName(id) ?? fromName(`${id}${orLater ? '+' : ''}`) ?? tree(reference(id));
  const plain = known.id.replace(/\+$/, '');
  const replaced = replacementFor(plain, orLater);
  return replaced === null ? { kind: 'license', id: plain, orLater: orLater && !/-(?:only|or-later)$/.test(plain) } : tree(replaced);
}

function fromName(name: string): Expression | null {
  const expression = expressionForName(name);
  return expression === null ? null : tree(expression);
}

function tree(expression: string): Expression {
  const parsed = parseExpression(expression);
  if (!parsed.ok) throw new Error(`'${expression}' is no expression: ${parsed.message}`);
  return parsed.tree;
}

function reference(text: string): string {
  const slug = text.slice(0, 200).replace(/^LicenseRef-/, '').replaceAll(/[^A-Za-z0-9.]+/g, '-').replaceAll(/^-+|-+$/g, '');
  return `LicenseRef-${slug === '' ? 'unnamed' : slug}`;
}
