/** YAML that does not care for lines: flow collections, and the scalars that stand in them and beside keys. */

/** Of collections within collections, block and flow together. */
export const MAX_DEPTH = 64;

/** `{a: b, 'c': [d, "e"]}` or a quoted scalar, and nothing behind it but a comment. Throws an Error in words. @param depth how deep it stands */
export function parseFlow(text: string, depth: number): unknown {
  const flow = new Flow(text);
  const value = flow.value(depth);
  flow.end();
  return value;
}

/** Behind the quote that closes the one at `start`; -1 where none does. */
export function quoteEnd(text: string, start: number): number {
  const quote = text[start];
  for (let at = start + 1; at < text.length; at += 1) {
    if (quote === '"' && text[at] === '\\') at += 1;
    else if (text[at] === quote && quote === "'" && text[at + 1] === "'") at += 1;
    else if (text[at] === quote) return at + 1;
  }
  return -1;
}

/** What a quoted scalar says; others as they are. */
export function unquoted(text: string): string {
  if (text.startsWith("'")) return text.slice(1, -1).replaceAll("''", "'");
  if (!text.startsWith('"')) return text;
  const value: unknown = JSON.parse(text.replaceAll(/\\x([0-9a-fA-F]{2})/g, '\\u00$1'));
  return typeof value === 'string' ? value : text;
}

/** An unquoted scalar. */
export function plain(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true';
  return text === 'null' || text === '~' || text === '' ? null : text;
}

class Flow {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Nothing but a comment may follow. */
  end(): void {
    if (!/^\s*(?:#|$)/.test(this.#text.slice(this.#at, this.#at + 200))) throw new Error(`something follows "${this.#text.slice(0, 40)}"`);
  }

  value(depth: number): unknown {
    if (depth > MAX_DEPTH) throw new Error('a line is nested too deep');
    const open = this.#text[this.#at];
    if (open === '{') return this.#mapping(depth);
    if (open === '[') return this.#list(depth);
    return open === '"' || open === "'" ? this.#quoted() : plain(this.#until(/[,}\]]/g));
  }

  #mapping(depth: number): Record<string, unknown> {
    const map: Record<string, unknown> = {};
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
