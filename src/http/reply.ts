/** Small makers of replies and their headers. */

/** The version as an entity tag: `"3"`. */
export const etag = (version: number): string => `"${version}"`;

export function ok<Body>(body: Body): { status: 200; body: Body } {
  return { status: 200, body };
}

export function versioned<Body extends { version: number }>(body: Body): { status: 200; body: Body; headers: { ETag: string } } {
  return { status: 200, body, headers: { ETag: etag(body.version) } };
}

export function created<Body extends { id: string; version: number }>(collection: string, body: Body): { status: 201; body: Body; headers: { ETag: string; Location: string } } {
  return { status: 201, body, headers: { ETag: etag(body.version), Location: `${collection}/${body.id}` } };
}

export const noContent = { status: 204, body: undefined } as const;
