/** `/api/docs` (Swagger UI), `/api/redoc` (Redoc) and the contract as JSON and YAML; every asset comes from an npm package, none from a CDN. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import Router from '@koa/router';
import type Koa from 'koa';
import { stringify } from 'yaml';
import document from '../../generated/openapi.json' with { type: 'json' };

const require = createRequire(import.meta.url);
const PAGE_CSP = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; worker-src 'self' blob:; connect-src 'self'; frame-ancestors 'none'";

interface Asset {
  /** Text that is made here, or a file of a package. */
  source: { text: () => string } | { file: () => string };
  type: string;
}

const swagger = (name: string): (() => string) => () => path.join(path.dirname(require.resolve('swagger-ui-dist/package.json')), name);

const ASSETS: Readonly<Record<string, Asset>> = {
  'openapi.json': { type: 'application/json; charset=utf-8', source: { text: () => JSON.stringify(document) } },
  'openapi.yaml': { type: 'application/yaml; charset=utf-8', source: { text: () => stringify(document, { aliasDuplicateObjects: false }) } },
  'docs': { type: 'text/html; charset=utf-8', source: { text: () => page('API documentation', '<link rel="stylesheet" href="/api/assets/swagger-ui.css">', '<div id="swagger-ui"></div>', ['swagger-ui-bundle.js', 'swagger-start.js']) } },
  'redoc': { type: 'text/html; charset=utf-8', source: { text: () => page('API reference', '<style>body{margin:0}</style>', '<div id="redoc"></div>', ['redoc.standalone.js', 'redoc-start.js']) } },
  'assets/swagger-ui.css': { type: 'text/css; charset=utf-8', source: { file: swagger('swagger-ui.css') } },
  'assets/swagger-ui-bundle.js': { type: 'text/javascript; charset=utf-8', source: { file: swagger('swagger-ui-bundle.js') } },
  'assets/redoc.standalone.js': { type: 'text/javascript; charset=utf-8', source: { file: () => require.resolve('redoc/bundles/redoc.standalone.js') } },
  'assets/swagger-start.js': { type: 'text/javascript; charset=utf-8', source: { text: () => "SwaggerUIBundle({ url: '/api/openapi.json', dom_id: '#swagger-ui', deepLinking: true, persistAuthorization: false, tryItOutEnabled: true, validatorUrl: null });" } },
  'assets/redoc-start.js': { type: 'text/javascript; charset=utf-8', source: { text: () => "Redoc.init('/api/openapi.json', { disableSearch: false, hideDownloadButton: false, nativeScrollbars: true }, document.getElementById('redoc'));" } },
};

/** Answers under `/api/...` and, behind a proxy that strips the prefix, without it. */
export function createDocumentation(): Koa.Middleware {
  const router = new Router();
  for (const [name, asset] of Object.entries(ASSETS)) {
    const content = once(() => load(asset));
    const serve: Koa.Middleware = async (ctx) => {
      const { body, etag } = await content();
      ctx.set({ 'Content-Security-Policy': PAGE_CSP, 'Cache-Control': 'public, no-cache', ETag: etag });
      ctx.type = asset.type;
      ctx.status = 200;
      if (ctx.fresh) ctx.status = 304;
      else ctx.body = body;
    };
    router.get([`/api/${name}`, `/${name}`], serve);
  }
  const routes = router.routes();
  const paths = new Set(Object.keys(ASSETS).flatMap((name) => [`/api/${name}`, `/${name}`])); // spares every other request the router
  return async (ctx, next) => {
    if (paths.has(ctx.path)) await routes(Object.assign(ctx, { router, params: {} }), next);
    else await next();
  };
}

async function load({ source }: Asset): Promise<{ body: Buffer; etag: string }> {
  const body = 'text' in source ? Buffer.from(source.text()) : await readFile(source.file());
  return { body, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  return () => (made ??= make());
}

function page(title: string, head: string, body: string, scripts: readonly string[]): string {
  const tags = scripts.map((name) => `<script src="/api/assets/${name}"></script>`).join('\n');
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>SCA Portal: ${title}</title><link rel="icon" href="data:,">${head}</head>
<body>${body}
${tags}</body>
</html>
`;
}
