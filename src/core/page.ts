/** Pages of lists: the customer's limit, offset and sort, and the envelope around the items. */

export interface SortKey {
  field: string;
  descending: boolean;
}

export interface PageRequest {
  /** 1 to 200 rows. */
  limit: number;
  /** Rows to pass over. */
  offset: number;
  sort: readonly SortKey[];
}

export interface Page<T> {
  items: T[];
  total: number;
  limit: number;
  offset: number;
}

/** `name,-created_at` -> keys. Throws what `refuse` makes for a field that is not sortable. */
export function parseSort(text: string, fields: readonly string[], refuse: (field: string) => Error): SortKey[] {
  const seen = new Set<string>();
  return text.split(',').flatMap((part) => {
    const descending = part.startsWith('-');
    const field = (descending ? part.slice(1) : part).trim();
    if (!fields.includes(field)) throw refuse(field);
    if (seen.has(field)) return [];
    seen.add(field);
    return [{ field, descending }];
  });
}
