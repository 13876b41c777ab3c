/** Slugs made from names. */

const MAX_LENGTH = 56; // leaves room for a number behind it

/** `Zahlungs-Dienst (neu)` -> `zahlungs-dienst-neu`; `otherwise` where nothing is left. */
export function slugify(name: string, otherwise = 'project'): string {
  const plain = name.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase();
  const slug = plain.replaceAll(/[^a-z0-9]+/g, '-').slice(0, MAX_LENGTH).replaceAll(/^-+|-+$/g, '');
  return slug === '' ? otherwise : slug;
}

/** The slug itself, or with the smallest number that is free. */
export function freeSlug(base: string, taken: ReadonlySet<string>): string {
  if (!taken.has(base)) return base;
  for (let number = 2; ; number += 1) if (!taken.has(`${base}-${number}`)) return `${base}-${number}`;
}
