/**
 * YAML as tools write it into lock files: block mappings and sequences, flow collections, plain, quoted and block scalars. A full parser builds a tree
 * of a hundred times the text before it gives an answer. Anchors, aliases and tags are refused, so nothing multiplies. Scalars stay text, but for true,
 * false and null: the version `1.10` is no number.
 */

type Mapping = Record<string, unknown>;

interface Line {
  indent: number;
  content: string;
}

const MAX_DEPTH = 64;
const isItem = (content: string): boolean => content === '-' || content.startsWith('- ');

/** The last document of the text, which must be a mapping. Throws an Error in words where it is no such YAML. */
export function parseLockYaml(text: string): Mapping {
  const reader = new Reader(text);
  let last: Mapping = {};
  for (let line = reader.peek(); line !== null; line = reader.peek()) {
    if (line.indent === -1) reader.take();
    else last = reader.mapping(line.indent, 0);
  }
  return last;
}

class Reader {
  readonly #text: string;
  #at = 0;
  #number = 0;
  #line: Line | null = null;

  constructor(text: string) {
    this.#text = text;
  }

  /** The next line that says something; the mark of a document has the indent -1. */
  peek(): Line | null {
    while (this.#line === null && this.#at < this.#text.length) {
      const newline = this.#text.indexOf('\n', this.#at);
      const end = newline === -1 ? this.#text.length : newline;
      const line = this.#text.slice(this.#at, end);
      this.#at = end + 1;
      this.#number += 1;
      const content = line.trim();
      if (content === '' || content.startsWith('#') || content.startsWith('%')) continue;
      const indent = line.length - line.trimStart().length;
      if (line.slice(0, indent).includes('\t')) throw this.#fault('is indented by a tab');
      this.#line = { indent: /^(?:---|\.\.\.)$/.test(line.trimEnd()) ? -1 : indent, content };
    }
    return this.#line;
  }

  take(): void {
    this.#line = null;
  }

  mapping(indent: number, depth: number): Mapping {
    if (depth > MAX_DEPTH) throw this.#fault('is nested too deep');
    const map: Mapping = {};
    for (let line = this.peek(); line !== null && line.indent >= indent; line = this.peek()) {
      if (line.indent > indent || isItem(line.content)) throw this.#fault('is indented unlike the ones before it');
      this.take();
      const [key, rest] = this.#entry(line);
      const value = this.#value(rest, indent, depth);
      if (key !== '__proto__') map[key] = value;
    }
    return map;
  }

  #sequence(indent: number, depth: number): unknown[] {
    if (depth > MAX_DEPTH) throw this.#fault('is nested too deep');
    const list: unknown[] = [];
    for (let line = this.peek(); line !== null && line.indent === indent && isItem(line.content); line = this.peek()) {
      this.take();
      const rest = line.content.slice(1).trimStart();
      const inner = indent + line.content.length - rest.length;
      if (rest === '' || (!isItem(rest) && keyEnd(rest) === -1)) list.push(this.#value(rest, indent, depth));
      else {
        this.#line = { indent: inner, content: rest };
        list.push(isItem(rest) ? this.#sequence(inner, depth + 1) : this.mapping(inner, depth + 1));
      }
    }
    return list;
  }

  /** `key: rest`, or the two lines `? key` and `: rest` of a long one. */
  #entry({ indent, content }: Line): [key: string, rest: string] {
    if (content.startsWith('? ')) {
      const next = this.peek();
      if (next?.indent !== indent || !next.content.startsWith(':')) throw this.#fault('has no value for the key before it');
      this.take();
      const rest = next.content.slice(1).trimStart();
      const isBlock = keyEnd(rest) !== -1; // the first of the entries below the key
      if (isBlock) this.#line = { indent: indent + next.content.length - rest.length, content: rest };
      return [unquoted(content.slice(2).trim()), isBlock ? '' : rest];
    }
    const end = keyEnd(content);
    if (end === -1) throw this.#fault('is no "key: value"');
    return [unquoted(content.slice(0, end).trimEnd()), content.slice(end + 1).trim()];
  }

  #value(rest: string, indent: number, depth: number): unknown {
    if (rest === '' || rest.startsWith('#')) {
      const below = this.peek();
      if (below === null || below.indent < indent || (below.indent === indent && !isItem(below.content))) return null;
      return isItem(below.content) ? this.#sequence(below.indent, depth + 1) : this.mapping(below.indent, depth + 1);
    }
    if (/^[&*!@`]/.test(rest)) throw this.#fault('has an anchor, alias or tag');
    const isFlow = /^[{["']/.test(rest);
    const parts = [isFlow ? rest : rest.replace(/\s#.*$/, '')];
    for (let line = this.peek(); line !== null && line.indent > indent; line = this.peek()) {
      parts.push(line.content);
      this.take();
    }
    const whole = parts.join(' ');
    if (!isFlow) return /^[|>][+\-\d]*(?:\s|$)/.test(rest) ? parts.slice(1).join(' ') : plain(whole);
    const flow = new Flow(whole);
    return flow.end(flow.value(depth));
  }

  #fault(what: string): Error {
    return new Error(`line ${this.#number} ${what}`);
  }
}

/** Of the colon behind the key; -1 where there is none. */
function keyEnd(content: string): number {
  let from = 0;
  if (content.startsWith('"') || content.startsWith("'")) from = quoteEnd(content, 0);
  if (from === -1 || /^[{[]/.test(content)) return -1;
  for (let colon = content.indexOf(':', from); colon !== -1; colon = content.indexOf(':', colon + 1)) {
    const next = content[colon + 1];
    if (next === undefined || next === ' ') return colon;
  }
  return -1;
}

/** Behind the quote that closes the one at `start`; -1 where none does. */
function quoteEnd(text: string, start: number): number {
  const quote = text[start];
  for (let at = start + 1; at < text.length; at += 1) {
    if (quote === '"' && text[at] === '\\') at += 1;
    else if (text[at] === quote && quote === "'" && text[at + 1] === "'") at += 1;
    else if (text[at] === quote) return at + 1;
  }
  return -1;
}

function unquoted(text: string): string {
  if (text.startsWith("'")) return text.slice(1, -1).replaceAll("''", "'");
  if (!text.startsWith('"')) return text;
  const value: unknown = JSON.parse(text.replaceAll(/\\x([0-9a-fA-F]{2})/g, '\\u00$1'));
  return typeof value === 'string' ? value : text;
}

function plain(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true';
  return text === 'null' || text === '~' || text === '' ? null : text;
}

/** `{a: b, 'c': [d, "e"]}` and single quoted scalars. */
class Flow {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Nothing but a comment may follow. */
  end(value: unknown): unknown {
    if (!/^\s*(?:#|$)/.test(this.#text.slice(this.#at, this.#at + 200))) throw new Error(`something follows "${this.#text.slice(0, 40)}"`);
    return value;
  }

  value(depth: number): unknown {
    if (depth > MAX_DEPTH) throw new Error('a line is nested too deep');
    const open = this.#text[this.#at];
    if (open === '{') return this.#mapping(depth);
    if (open === '[') return this.#list(depth);
    return open === '"' || open === "'" ? this.#quoted() : plain(this.#until(/[,}\]]/g));
  }

  #mapping(depth: number): Mapping {
    const map: Mapping = {};
    this.#at += 1;
    for (let isFirst = true; !this.#closes('}', isFirst); isFirst = false) {
      const isQuoted = /["']/.test(this.#text[this.#at] ?? '');
      const key = isQuoted ? this.#quoted() : this.#until(/:(?=[\s,}])|[,}]/g);
      this.#space();
      const hasValue = this.#text[this.#at] === ':';
      if (hasValue) this.#at += 1;
      this.#space();
      const value = hasValue && !/[,}]/.test(this.#text[this.#at] ?? '') ? this.value(depth + 1) : null;
      if (key !== '__proto__') map[key] = value;
    }
    return map;
  }

  #list(depth: number): unknown[] {
    const list: unknown[] = [];
    this.#at += 1;
    for (let isFirst = true; !this.#closes(']', isFirst); isFirst = false) list.push(this.value(depth + 1));
    return list;
  }

  /** Passes the comma between entries; true, and behind it, at the closing bracket. */
  #closes(bracket: string, isFirst: boolean): boolean {
    this.#space();
    const hasComma = !isFirst && this.#text[this.#at] === ',';
    if (hasComma) this.#at += 1;
    this.#space();
    if (!isFirst && !hasComma && this.#text[this.#at] !== bracket) throw new Error('a comma is missing');
    if (this.#at >= this.#text.length) throw new Error(`a ${bracket} is missing`);
    if (this.#text[this.#at] !== bracket) return false;
    this.#at += 1;
    return true;
  }

  #quoted(): string {
    const end = quoteEnd(this.#text, this.#at);
    if (end === -1) throw new Error('a quote is never closed');
    const text = this.#text.slice(this.#at, end);
    this.#at = end;
    return unquoted(text);
  }

  #until(stop: RegExp): string {
    stop.lastIndex = this.#at;
    const end = stop.exec(this.#text)?.index ?? this.#text.length;
    if (end === this.#at) throw new Error('a value is missing');
    const text = this.#text.slice(this.#at, end);
    this.#at = end;
    return text.trim();
  }

  #space(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at += 1;
  }
}
