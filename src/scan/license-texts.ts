/**
 * Licences by their texts: a file is held against all texts of the SPDX list at once. Texts are compared as sets of three-word shingles, so that other copyright
 * holders, line breaks, comment signs and punctuation change little; a table from shingle to licences makes it one look-up a word, whatever the number of licences.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isRecord } from '../core/values.ts';

/** Of the FNV-1a hash. */
const PRIME = 0x01000193;
const OFFSET = 0x811c9dc5;
const SHINGLE = 3;

/** Share of shingles that two texts have in common (Dice), from which the file is that licence and nothing else. */
const WHOLE = 0.9;
/** Share of a licence's shingles that stand in a file which holds more than that licence. */
const PART = 0.93;
/** Share of them that no licence found before accounts for: BSD-2-Clause stands in BSD-3-Clause, and is not said. */
const NEW = 0.6;
/** Texts of fewer shingles say too little to be looked for inside of others. */
const MIN_PART = 30;
const MAX_LICENSES = 8;
/** Characters of a file that are looked at: the longest licence text is a fifth of it. */
export const MAX_TEXT = 512 * 1024;

/** Lines that say whose the work is, which differ from copy to copy. */
const OWNER = /^[ \t#*/;|>.-]{0,40}(?:(?:portions )?copyright\b(?![ \t]+(?:notices?|holders?|owners?|laws?|licen[sc]es?|and|or|interests?|statements?|in|on|is|to|disclaimers?|permissions?)\b)|\(c\)|©|all rights reserved|<(?:year|copyright|owner|name of author)).*$/gimu;

/** Distinct shingles of a text. */
function shinglesOf(text: string): Set<number> {
  const words = text.slice(0, MAX_TEXT).replaceAll(OWNER, ' ').toLowerCase().replaceAll(/licence/g, 'license').match(/[\p{L}\p{N}]+/gu) ?? [];
  const shingles = new Set<number>();
  let before = 0;
  let first = 0;
  let count = 0;
  for (const word of words) {
    const hash = hashOf(word);
    count += 1;
    if (count >= SHINGLE) shingles.add(Math.imul(Math.imul(first, PRIME) ^ before, PRIME) ^ hash);
    first = before;
    before = hash;
  }
  return shingles;
}

function hashOf(word: string): number {
  let hash = OFFSET;
  for (let index = 0; index < word.length; index += 1) hash = Math.imul(hash ^ word.charCodeAt(index), PRIME);
  return hash;
}

interface Known {
  id: string;
  size: number;
}

interface Index {
  licenses: readonly Known[];
  /** By shingle, the licences that have it, as places in `licenses`. */
  postings: ReadonlyMap<number, readonly number[]>;
}

let built: Index | null = null;

/** Ids that SPDX has replaced: their texts are those of others. */
const REPLACED = /\+$|^(?:A|L)?GPL-\d\.\d$|^GFDL-\d\.\d$|-with-|^(?:AGPL-1\.0|Nunit|StandardML-NJ|BSD-2-Clause-FreeBSD|BSD-2-Clause-NetBSD|eCos-2\.0|wxWindows|bzip2-1\.0\.5)$/;

/** Ids with the same text stand for the one that claims the least: `-only` before `-or-later`, which a text alone does not say, then the shorter. */
const preference = (id: string): string => `${id.includes('-only') ? 0 : 1}${String(id.length).padStart(3, '0')}${id}`;

/** Texts of the list by id, read when a scan first needs them: five megabytes that a process which only serves requests does without. */
function readTexts(): [id: string, text: string][] {
  const list: unknown = JSON.parse(readFileSync(fileURLToPath(import.meta.resolve('spdx-license-list/spdx-full.json')), 'utf8'));
  return Object.entries(isRecord(list) ? list : {})
    .flatMap(([id, entry]): [string, string][] => (isRecord(entry) && typeof entry['licenseText'] === 'string' && !REPLACED.test(id) ? [[id, entry['licenseText']]] : []))
    .toSorted(([a], [b]) => (preference(a) < preference(b) ? -1 : 1));
}

/** A licence's text as the list has it, and as people copy it: without its appendix, with other names in place of the authors'. */
function variants(id: string, text: string): string[] {
  const [terms = text, appendix = ''] = text.split(/END OF TERMS AND CONDITIONS/i);
  const header = /Licensed under the Apache License, Version 2\.0[\s\S]*$/.exec(appendix)?.[0];
  return [text, ...(appendix === '' ? [] : [terms]), ...(header === undefined ? [] : [header]), ...(id === 'ISC' ? [text.replaceAll(/\bISC (?=DISCLAIMS|BE)/g, 'THE AUTHOR ')] : [])];
}

function index(): Index {
  if (built !== null) return built;
  const licenses: Known[] = [];
  const postings = new Map<number, number[]>();
  const seen = new Set<string>();
  for (const [id, licenseText] of readTexts()) {
    for (const text of variants(id, licenseText)) {
      const shingles = shinglesOf(text);
      const key = [...shingles].sort((a, b) => a - b).join();
      if (shingles.size === 0 || seen.has(key)) continue;
      seen.add(key);
      const place = licenses.push({ id, size: shingles.size }) - 1;
      for (const shingle of shingles) {
        const holders = postings.get(shingle);
        if (holders === undefined) postings.set(shingle, [place]);
        else holders.push(place);
      }
    }
  }
  built = { licenses, postings };
  return built;
}

/** SPDX ids of the licences whose texts a file holds, the one that it holds most of first; empty where it holds none. */
export function licensesInText(text: string): string[] {
  const known = index();
  const all = shinglesOf(text);
  const shared = countShared(all, known);
  const dice = (place: number, size: number): number => (2 * (shared[place] ?? 0)) / (size + all.size);
  const whole = best(known, (place, size) => (dice(place, size) >= WHOLE ? dice(place, size) : 0));
  const found: number[] = [];
  const left = new Set(all);
  for (let next = whole ?? largestPart(known, shared, shared); next !== undefined && found.length < MAX_LICENSES; next = largestPart(known, shared, countShared(left, known))) {
    found.push(next);
    for (const shingle of left) if (known.postings.get(shingle)?.includes(next) === true) left.delete(shingle);
    if (left.size < MIN_PART * NEW) break;
  }
  return [...new Set(found.flatMap((place) => known.licenses[place]?.id ?? []))];
}

/** The licence that stands in the file beside others and explains most of what is left of it. */
function largestPart(known: Index, shared: Uint32Array, unexplained: Uint32Array): number | undefined {
  return best(known, (place, size) => {
    const fresh = unexplained[place] ?? 0;
    return size >= MIN_PART && (shared[place] ?? 0) >= size * PART && fresh >= size * NEW ? fresh : 0;
  });
}

/** How many of the shingles each licence has. */
function countShared(shingles: ReadonlySet<number>, { licenses, postings }: Index): Uint32Array {
  const shared = new Uint32Array(licenses.length);
  for (const shingle of shingles) for (const place of postings.get(shingle) ?? []) shared[place] = (shared[place] ?? 0) + 1;
  return shared;
}

/** The place of the licence with the highest score above 0. */
function best({ licenses }: Index, score: (place: number, size: number) => number): number | undefined {
  let winner: number | undefined;
  let highest = 0;
  for (const [place, { size }] of licenses.entries()) {
    const scored = score(place, size);
    if (scored > highest) [winner, highest] = [place, scored];
  }
  return winner;
}

/** `SPDX-License-Identifier:` tags of a text, as they are written. */
export function spdxTags(text: string): string[] {
  return [...new Set([...text.slice(0, MAX_TEXT).matchAll(/SPDX-License-Identifier:[ \t]*([^\r\n]{1,300})/g)].map(([, expression = '']) => expression.replace(/\s*(?:\*\/|-->|#}).*$/, '').trim()).filter((expression) => expression !== ''))];
}
