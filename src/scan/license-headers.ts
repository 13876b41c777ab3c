/** SPDX tags at the head of the product's own source files. Those of packages in it (node_modules, vendor) speak for these, whose licence files are read instead. */
import type { DetectedLicense } from '../core/component.ts';
import { spdxTags } from './license-texts.ts';

/** Bytes of a file, and lines of it, that a head may take. */
export const HEAD_BYTES = 4096;
export const HEAD_LINES = 80;
/** Files whose heads are read; more would only say the same. */
const MAX_HEADS = 50_000;
const MAX_EXPRESSIONS = 50;

/** Endings of what people write by hand and tag; also as git's path patterns. */
export const SOURCE_ENDINGS = [
  'c', 'h', 'cc', 'cpp', 'cxx', 'hh', 'hpp', 'hxx', 'm', 'mm', 'cs', 'fs', 'vb', 'go', 'rs', 'swift', 'java', 'kt', 'kts', 'scala', 'groovy', 'clj', 'py', 'pyx', 'rb', 'php', 'pl', 'pm', 'lua', 'js', 'cjs', 'mjs', 'jsx',
  'ts', 'cts', 'mts', 'tsx', 'vue', 'svelte', 'dart', 'ex', 'exs', 'erl', 'hrl', 'hs', 'ml', 'mli', 'r', 'jl', 'sh', 'bash', 'ps1', 'sql', 'proto', 'zig', 'nim', 'v', 'vhd', 'sol', 's', 'asm', 'css', 'scss', 'less',
] as const;
const SOURCE = new RegExp(`\\.(?:${SOURCE_ENDINGS.join('|')})$`, 'i');
const OF_OTHERS = /(?:^|\/)(?:node_modules|bower_components|vendor|third[_-]party|\.git)\//i;

export const isOwnSource = (path: string): boolean => SOURCE.test(path) && !OF_OTHERS.test(path);

/** What the heads say, gathered file by file. */
export class LicenseHeaders {
  readonly #first = new Map<string, string>();
  #heads = 0;

  /** Is this another file to look at? */
  wants(path: string): boolean {
    if (this.#heads >= MAX_HEADS || !isOwnSource(path)) return false;
    this.#heads += 1;
    return true;
  }

  /** @param head the beginning of the file, or its tagged lines */
  add(path: string, head: string): void {
    for (const expression of spdxTags(head)) if (!this.#first.has(expression) && this.#first.size < MAX_EXPRESSIONS) this.#first.set(expression, path);
  }

  /** Together with what the licence files at the root say. */
  joinedWith(own: DetectedLicense | null): DetectedLicense | null {
    const known = own === null ? [] : own.expression.split(' AND ');
    const added = [...this.#first].filter(([expression]) => !known.includes(expression));
    const [first] = added;
    if (first === undefined) return own;
    const parts = [...(own === null ? [] : [own.expression]), ...added.map(([expression]) => expression).sort()];
    return { expression: parts.map((one) => (parts.length > 1 && / OR /i.test(one) && !/^\([^()]*\)$/.test(one) ? `(${one})` : one)).join(' AND '), path: own?.path ?? first[1] };
  }
}
