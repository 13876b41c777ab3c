/** Small makers of replies and their headers. */
import { stringifySetCookie } from 'cookie';
import type { Context } from '../domain/context.ts';
import type { ProjectDocument } from '../domain/documents/view.ts';

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

/** A document made for the caller; 304 where the caller has it already. @param known If-None-Match @param asAttachment or to be looked at in a browser */
export function documentReply<Type extends string>(known: string | undefined, { etag: tag, mediaType, fileName, policy, text }: ProjectDocument<Type>, asAttachment = true) {
  const validators = { ETag: tag, 'Cache-Control': 'private, no-cache' };
  if (known === tag) return { status: 304, body: undefined, headers: validators } as const;
  return { status: 200, body: text, type: mediaType, headers: { ...validators, ...(policy ? { 'Content-Security-Policy': policy } : {}), 'Content-Disposition': `${asAttachment ? 'attachment' : 'inline'}; filename="${fileName}"` } } as const;
}

export const noContent = { status: 204, body: undefined } as const;

/**
 * Set-Cookie. Path `/`: the same route answers under /auth, /v1/auth and /api/auth. Lax: a browser that comes from an identity provider by
 * a link brings it along. Secure unless the portal is reached by plain http. @param maxAge seconds; 0 removes the cookie
 */
export function ownCookie({ config }: Pick<Context, 'config'>, name: string, value: string, maxAge: number): string {
  const secure = config.BASE_URL?.startsWith('https:') ?? false;
  return stringifySetCookie({ name, value, httpOnly: true, sameSite: 'lax', secure, path: '/', maxAge });
}
