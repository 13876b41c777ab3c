/** SPDX licence expressions (SPDX 2.3 and 3.0, Annex "licence expressions"): parsed in linear time, with bounds, to a tree. */

export type Expression =
  | { kind: 'license'; id: string; orLater: boolean }
  | { kind: 'reference'; document: string | null; id: string }
  | { kind: 'with'; license: Expression; exception: string }
  | { kind: 'and' | 'or'; parts: readonly Expression[] };

export type Parsed = { ok: true; tree: Expression } | { ok: false; message: string; position: number };

const OPERATOR = /^(?:and|or|with)$/i;
const MAX_LENGTH = 4096;
const MAX_NESTING = 64;
const MAX_TOKENS = 1024;

interface Token {
  text: string;
  position: number;
}

class Fault extends Error {
  readonly position: number;
  constructor(message: string, position: number) {
    super(message);
    this.position = position;
  }
}

/** Operators are taken in any case, as SPDX 3.0 allows; ids stay as they are written. */
export function parseExpression(text: string): Parsed {
  try {
    if (text.length > MAX_LENGTH) throw new Fault(`is longer than ${MAX_LENGTH} characters`, MAX_LENGTH);
    const parser = new Parser(tokenise(text), text.length);
    return { ok: true, tree: parser.whole() };
  } catch (error) {
    if (error instanceof Fault) return { ok: false, message: error.message, position: error.position };
    throw error;
  }
}

function tokenise(text: string): Token[] {
  const tokens: Token[] = [];
  for (const match of text.matchAll(/[()]|[A-Za-z0-9.:+-]+|\S/g)) {
    const token = { text: match[0], position: match.index };
    if (!/^(?:[()]|[A-Za-z0-9.:+-]+)$/.test(token.text)) throw new Fault(`has the character '${token.text}'`, token.position);
    tokens.push(token);
    if (tokens.length > MAX_TOKENS) throw new Fault(`has more than ${MAX_TOKENS} parts`, token.position);
  }
  return tokens;
}

class Parser {
  readonly #tokens: readonly Token[];
  readonly #end: number;
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[], end: number) {
    this.#tokens = tokens;
    this.#end = end;
  }

  whole(): Expression {
    const tree = this.#compound('or');
    const rest = this.#tokens[this.#at];
    if (rest !== undefined) throw new Fault(`has '${rest.text}' where an operator or the end should be`, rest.position);
    return tree;
  }

  /** Precedence: WITH, then AND, then OR. */
  #compound(operator: 'and' | 'or'): Expression {
    const parts = [operator === 'or' ? this.#compound('and') : this.#simple()];
    while (this.#takes(operator)) parts.push(operator === 'or' ? this.#compound('and') : this.#simple());
    const [only] = parts;
    if (only !== undefined && parts.length === 1) return only;
    return { kind: operator, parts: parts.flatMap((part) => (part.kind === operator ? part.parts : [part])) };
  }

  #simple(): Expression {
    const token = this.#tokens[this.#at];
    if (token === undefined) throw new Fault('ends where a licence should be', this.#end);
    this.#at += 1;
    if (token.text === '(') {
      this.#depth += 1;
      if (this.#depth > MAX_NESTING) throw new Fault(`is nested deeper than ${MAX_NESTING} levels`, token.position);
      const inner = this.#compound('or');
      if (!this.#takes(')')) throw new Fault('lacks a closing parenthesis', this.#tokens[this.#at]?.position ?? this.#end);
      this.#depth -= 1;
      return inner;
    }
    const license = toLicense(token);
    if (!this.#takes('with')) return license;
    const exception = this.#tokens[this.#at];
    if (exception === undefined || OPERATOR.test(exception.text) || !/^[A-Za-z0-9][A-Za-z0-9.-]*$/.test(exception.text)) throw new Fault('lacks an exception after WITH', exception?.position ?? this.#end);
    this.#at += 1;
    return { kind: 'with', license, exception: exception.text };
  }

  #takes(word: string): boolean {
    if (this.#tokens[this.#at]?.text.toLowerCase() !== word) return false;
    this.#at += 1;
    return true;
  }
}

function toLicense({ text, position }: Token): Expression {
  const [, document = null, id] = /^(?:DocumentRef-([A-Za-z0-9.-]+):)?LicenseRef-([A-Za-z0-9.-]+)$/.exec(text) ?? [];
  if (id !== undefined) return { kind: 'reference', document, id };
  if (OPERATOR.test(text) || /^(?:LicenseRef|DocumentRef)-/.test(text) || !/^[A-Za-z0-9][A-Za-z0-9.-]*\+?$/.test(text)) throw new Fault(`has '${text}' where a licence should be`, position);
  return { kind: 'license', id: text.replace(/\+$/, ''), orLater: text.endsWith('+') };
}

/** Canonical text: upper-case operators, parentheses only where they are needed. */
export function formatExpression(tree: Expression, inside: 'and' | 'or' | 'with' | null = null): string {
  switch (tree.kind) {
    case 'license':
      return tree.orLater ? `${tree.id}+` : tree.id;
    case 'reference':
      return `${tree.document === null ? '' : `DocumentRef-${tree.document}:`}LicenseRef-${tree.id}`;
    case 'with':
      return `${formatExpression(tree.license, 'with')} WITH ${tree.exception}`;
    case 'and':
    case 'or': {
      const text = tree.parts.map((part) => formatExpression(part, tree.kind)).join(tree.kind === 'and' ? ' AND ' : ' OR ');
      return tree.kind === 'or' && inside === 'and' ? `(${text})` : text;
    }
  }
}

/** Every exception in the tree, each once. */
export function exceptionIds(tree: Expression): string[] {
  if (tree.kind === 'with') return [tree.exception];
  return tree.kind === 'and' || tree.kind === 'or' ? [...new Set(tree.parts.flatMap(exceptionIds))] : [];
}

/** Every licence in the tree, each once: SPDX ids and `LicenseRef-...`. */
export function licenseIds(tree: Expression): string[] {
  switch (tree.kind) {
    case 'license':
    case 'reference':
      return [formatExpression(tree)];
    case 'with':
      return licenseIds(tree.license);
    case 'and':
    case 'or':
      return [...new Set(tree.parts.flatMap(licenseIds))];
  }
}
