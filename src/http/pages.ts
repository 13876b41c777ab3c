/** Pages for people whom a link has led here. Addresses in them are relative, so that they work under whatever path BASE_URL has. */
import type Koa from 'koa';
import { canonicalPath } from './paths.ts';

export interface PageFile {
  type: string;
  body: string;
  csp: string;
}

export const PAGE_STYLE = `:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 0; }
main { max-width: 26rem; margin: 12vh auto 0; padding: 0 1.5rem; }
h1 { font-size: 1.5rem; }
input, button { box-sizing: border-box; width: 100%; padding: 0.6rem 0.75rem; font: inherit; border: 1px solid #767676; border-radius: 0.4rem; }
button { border-color: #1a56b0; background: #1a56b0; color: #fff; cursor: pointer; }
button:focus-visible, input:focus-visible, a:focus-visible { outline: 3px solid #5b9bff; outline-offset: 2px; }
`;

/** @param main its content @param up how it gets to the portal's root: `../` so many times @param attributes of main */
export const htmlPage = (title: string, main: string, files: string, up = '', attributes = ''): string => `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>SCA Portal: ${title}</title><link rel="icon" href="data:,"><link rel="stylesheet" href="${up}${files}.css"></head>
<body><main${attributes}>${main}</main>
<script src="${up}${files}.js"></script></body>
</html>
`;

/** Relative, whatever slashes the path ends with. */
function rootFrom(path: string): string {
  const below = path.replace(/^\/api(?=\/|$)/, '');
  return below === '' ? 'api/' : '../'.repeat(below.split('/').length - 2);
}

/** Answers GET and HEAD of what `find` knows, with and without `/api` in front. @param find by the canonical path; told as well how the portal's root is reached from where the browser is */
export const servePages = (find: (path: string, up: string) => PageFile | undefined): Koa.Middleware => async (ctx, next) => {
  const file = ctx.method === 'GET' || ctx.method === 'HEAD' ? find(canonicalPath(ctx.path), rootFrom(ctx.path)) : undefined;
  if (file === undefined) {
    await next();
    return;
  }
  ctx.set('Content-Security-Policy', file.csp);
  ctx.type = file.type;
  ctx.body = file.body;
};
