/** Places of texts among those of a scan, so that its lists are sorted by small numbers. */

/** The place of each text among the distinct ones, from 1; null stays null. */
export function denseRanks(texts: readonly (string | null)[]): (number | null)[] {
  const distinct = [...new Set(texts.filter((text) => text !== null))].sort();
  const placeOf = new Map(distinct.map((text, index) => [text, index + 1]));
  return texts.map((text) => (text === null ? null : placeOf.get(text) ?? null));
}
