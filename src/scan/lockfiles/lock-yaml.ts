/**
 * YAML as tools write it into lock files: block mappings and sequences, flow collections, plain, quoted and block scalars. A full parser builds a tree
 * of a hundred times the text before it gives an answer. Anchors, aliases and tags are refused, so nothing multiplies. Scalars stay text, but for true,
 * false and null: the version `1.10` is no number.
 */
import { MAX_DEPTH, parseFlow, plain, quoteEnd, unquoted } from './lock-yaml-flow.ts';

type Mapping = Record<string, unknown>;

interface Line {
  indent: number;
  content: string;
}

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
    if (isFlow) return parseFlow(whole, depth);
    return /^[|>][+\-\d]*(?:\s|$)/.test(rest) ? parts.slice(1).join(' ') : plain(whole);
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
