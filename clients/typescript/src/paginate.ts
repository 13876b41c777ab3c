/** Lists, item by item, over as many pages as there are. */
import { createFinalURL, createQuerySerializer, defaultPathSerializer } from 'openapi-fetch';
import type { PortalClient } from './client.ts';
import type { paths } from './generated/api.ts';
import { isRecord } from './problem.ts';

type PageOf<Path extends keyof paths> = paths[Path] extends { get: { responses: { 200: { content: { 'application/json': infer Page } } } } } ? Page : never;

/** Paths of the contract whose GET gives `{items, total, limit, offset}`. */
export type ListPath = { [Path in keyof paths]: PageOf<Path> extends never ? never : PageOf<Path> extends { items: readonly unknown[]; total: number; offset: number } ? Path : never }[keyof paths];

export type ItemOf<Path extends ListPath> = PageOf<Path> extends { items: readonly (infer Item)[] } ? Item : never;

/** Path and query parameters of a list. `limit` is the size of a page (200 unless said), `offset` where to begin. */
export type ListParameters<Path extends ListPath> = paths[Path] extends { get: { parameters: infer Parameters } } ? Pick<Parameters, Extract<keyof Parameters, 'path' | 'query'>> : never;

export interface PaginateOptions {
  signal?: AbortSignal;
}

const LARGEST_PAGE = 200;
const serializeQuery = createQuerySerializer();

/**
 * Items in the list's order. Pages are asked for as they are needed. Rows that come or go meanwhile shift the pages behind them: sort by what
 * does not change where that matters. Throws as the client does.
 */
export function paginate<Path extends ListPath>(client: PortalClient, path: Path, parameters: ListParameters<Path>, options?: PaginateOptions): AsyncGenerator<ItemOf<Path>, void, undefined>;
export async function* paginate(client: PortalClient, path: string, parameters: { path?: object; query?: object }, { signal }: PaginateOptions = {}): AsyncGenerator<unknown, void, undefined> {
  const query = { limit: LARGEST_PAGE, offset: 0, ...parameters.query };
  for (let { offset } = query; ; ) {
    const url = createFinalURL(path, { baseUrl: client.baseUrl, params: { path: { ...parameters.path }, query: { ...query, offset } }, querySerializer: serializeQuery, pathSerializer: defaultPathSerializer });
    const response = await client.send(() => new Request(url, { redirect: 'manual', ...(signal === undefined ? {} : { signal }) }));
    const page: unknown = await response.json();
    if (!isRecord(page) || !Array.isArray(page['items']) || typeof page['total'] !== 'number') throw new TypeError(`${url} did not answer with a page.`);
    yield* page['items'];
    offset += page['items'].length;
    if (page['items'].length === 0 || offset >= page['total']) return;
  }
}
