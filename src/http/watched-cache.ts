/**
 * Rows that every request needs, kept for a short while. The database tells every process at once when one changes (LISTEN/NOTIFY), so
 * what is kept is milliseconds old at most; while that channel is down nothing is kept.
 */

export interface WatchedCache<T> {
  get: (key: string) => Promise<T | undefined>;
  /** Forgets what matches, or everything. */
  forget: (matches?: (value: T) => boolean) => void;
  /** Whether changes are heard of at present. */
  listening: (isListening: boolean) => void;
}

/** Even a change that nobody was told of is seen after so long. */
const MAX_AGE_MS = 30_000;
const MAX_ENTRIES = 10_000;

export function createWatchedCache<T>(load: (key: string) => Promise<T | undefined>, now: () => number = Date.now): WatchedCache<T> {
  const entries = new Map<string, { value: T; at: number }>();
  let generation = 0;
  let heard = false;
  const forget = (matches?: (value: T) => boolean): void => {
    generation += 1;
    if (matches === undefined) entries.clear();
    else for (const [key, { value }] of entries) if (matches(value)) entries.delete(key);
  };
  return {
    forget,
    listening: (isListening) => {
      heard = isListening;
      forget();
    },
    get: async (key) => {
      const known = entries.get(key);
      if (known !== undefined && now() - known.at < MAX_AGE_MS) return known.value;
      const before = generation;
      const value = await load(key);
      // a change that came while we looked may not be in what we read
      if (value !== undefined && heard && before === generation) {
        if (entries.size >= MAX_ENTRIES) entries.clear();
        entries.set(key, { value, at: now() });
      }
      return value;
    },
  };
}
