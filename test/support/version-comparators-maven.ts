/** Maven 3.9's ComparableVersion: nested lists, as its parser builds and compares them. See version-comparators.ts. */

type Item = bigint | string | Item[];

const QUALIFIERS = ['alpha', 'beta', 'milestone', 'rc', 'snapshot', '', 'sp'];
const ALIASES: Readonly<Record<string, string>> = { ga: '', final: '', release: '', cr: 'rc' };
const SHORT: Readonly<Record<string, string>> = { a: 'alpha', b: 'beta', m: 'milestone' };

/** As Maven orders them: known ones by place, then the unknown by text. */
function rank(qualifier: string): string {
  const at = QUALIFIERS.indexOf(qualifier);
  return at === -1 ? `${QUALIFIERS.length}-${qualifier}` : String(at);
}

function qualifier(text: string, beforeDigit: boolean): string {
  const full = beforeDigit ? (SHORT[text] ?? text) : text;
  return ALIASES[full] ?? full;
}

const isNull = (item: Item): boolean => (typeof item === 'bigint' ? item === 0n : item.length === 0);

function parse(version: string): Item[] {
  const root: Item[] = [];
  const lists: Item[][] = [root];
  let list = root;
  const nest = (): void => {
    const inner: Item[] = [];
    list.push(inner);
    lists.push(inner);
    list = inner;
  };
  let [start, inDigits] = [0, false];
  const item = (end: number): Item => (inDigits ? BigInt(version.slice(start, end)) : qualifier(version.slice(start, end), false));
  for (let at = 0; at < version.length; at += 1) {
    const char = version.charAt(at);
    if (char === '.' || char === '-') {
      list.push(at === start ? 0n : item(at));
      start = at + 1;
      if (char === '-') nest();
    } else if (char >= '0' && char <= '9') {
      if (!inDigits && at > start) {
        if (list.length > 0) nest();
        list.push(qualifier(version.slice(start, at), true));
        start = at;
        nest();
      }
      inDigits = true;
    } else {
      if (inDigits && at > start) {
        list.push(item(at));
        start = at;
        nest();
      }
      inDigits = false;
    }
  }
  if (version.length > start) {
    if (!inDigits && list.length > 0) nest();
    list.push(item(version.length));
  }
  for (const each of lists.reverse()) normalise(each);
  return root;
}

/** Nulls are dropped from the end, and before nested lists. */
function normalise(list: Item[]): void {
  for (let at = list.length - 1; at >= 0; at -= 1) {
    const item = list[at];
    if (item === undefined) continue;
    if (isNull(item)) list.splice(at, 1);
    else if (!Array.isArray(item)) break;
  }
}

const text = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function againstNothing(item: Item): number {
  if (typeof item === 'bigint') return item === 0n ? 0 : 1;
  if (typeof item === 'string') return text(rank(item), rank(''));
  return item.map(againstNothing).find((answer) => answer !== 0) ?? 0;
}

/** Text is below lists, lists are below numbers. */
const KIND = (item: Item): number => (typeof item === 'string' ? 0 : Array.isArray(item) ? 1 : 2);

function compare(a: Item, b: Item): number {
  if (typeof a === 'bigint' && typeof b === 'bigint') return a < b ? -1 : a > b ? 1 : 0;
  if (typeof a === 'string' && typeof b === 'string') return text(rank(a), rank(b));
  if (!Array.isArray(a) || !Array.isArray(b)) return Math.sign(KIND(a) - KIND(b));
  for (let at = 0; at < Math.max(a.length, b.length); at += 1) {
    const [x, y] = [a[at], b[at]];
    const answer = x === undefined ? (y === undefined ? 0 : -againstNothing(y)) : y === undefined ? againstNothing(x) : compare(x, y);
    if (answer !== 0) return answer;
  }
  return 0;
}

export const compareMaven = (a: string, b: string): number => compare(parse(a.toLowerCase()), parse(b.toLowerCase()));
