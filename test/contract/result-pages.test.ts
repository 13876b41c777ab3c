/** Where links lead: every link that the portal writes is to a page that is there, and every page asks the API for what it has. */
import { runInNewContext } from 'node:vm';
import { sql } from 'kysely';
import * as assert from 'uvu/assert';
import { wordsOf } from '../../src/domain/notifications/words.ts';
import { member } from '../support/contract.ts';
import { sbomForm, SMALL_SBOM } from '../support/fixtures.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { portal, admin, database: { db } } = await startTestPortal();
const project = await newProject(admin);
const scan = (await scanToEnd(admin, project, sbomForm(SMALL_SBOM))).id;
const KINDS = ['cve_detected', 'scan_completed', 'scan_failed', 'gate_changed', 'approval_pending', 'approval_state_changed', 'disk_pressure', 'backup_failed'] as const;
const PAGES = ['/', '/login', `/projects/${project}`, `/projects/${project}/approvals`, '/admin/disk', '/admin/backup', `/projects/${project}/scans/${scan}`, '/login/', `/projects/${project}/`, `/projects/${project}/scans/${scan}//`, ''];

interface Shown {
  data: Record<string, string>;
  html: string;
}
async function page(path: string): Promise<Shown> {
  const response = await fetch(portal.url + path);
  const html = await response.text();
  assert.is(response.status, 200, `${path}: ${html.slice(0, 200)}`);
  assert.is(response.headers.get('Content-Type'), 'text/html; charset=utf-8', path);
  assert.match(response.headers.get('Content-Security-Policy') ?? '', /^default-src 'none'; script-src 'self';/);
  const data = Object.fromEntries([...(/<main([^>]*)>/.exec(html)?.[1] ?? '').matchAll(/data-(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value.replaceAll('&amp;', '&')]));
  return { data, html };
}

const test = suite('result pages');
test('every notification links to one', async () => {
  for (const kind of KINDS) {
    const { link } = wordsOf({ id: 1, kind, project_id: project, project_name: 'P', facts: { scan_id: scan }, created_at: '2026-11-25T00:00:00.000Z' });
    assert.ok(link !== null);
    await page(link);
    await page(`/api${link}`);
  }
});
test('each finds its style, its script and what it shows, under whatever path it is served', async () => {
  await sql`INSERT INTO backups (name, kind, status, is_encrypted) VALUES ('manual-20261101T000000Z', 'manual', 'failed', false)`.execute(db);
  for (const path of PAGES) for (const prefix of ['', '/api']) {
    if (prefix + path === '') continue;
    const at = new URL(portal.url + prefix + path);
    const { data, html } = await page(prefix + path);
    const root = new URL(data['up'] === '' ? './' : data['up'] ?? '', at);
    assert.is(root.pathname, `${prefix}/`, path);
    for (const [, file = ''] of html.matchAll(/(?:href|src)="([^"]+\.(?:css|js))"/g)) assert.is((await fetch(new URL(file, at))).status, 200, file);
    const response = await fetch(new URL(data['api'] ?? '', root), { headers: { Authorization: `Bearer ${admin.token ?? ''}` } });
    assert.is(response.status, 200, data['api']);
    if (data['columns'] === '') assert.match(response.headers.get('Content-Type') ?? '', /^text\/html/);
    else {
      const item = member(await response.json(), 'items', 0);
      if (item !== undefined) for (const column of (data['columns'] ?? '').split(' ')) assert.ok(member(item, column) !== undefined, `${path}: ${column}`);
    }
    if (data['scan'] !== undefined) assert.is((await fetch(new URL(data['scan'], root), { headers: { Authorization: `Bearer ${admin.token ?? ''}` } })).status, 200);
  }
});
test('what is no id of a project is no page, and nothing but GET and HEAD is answered', async () => {
  for (const path of ['/projects', '/projects/x', `/projects/${project}/x`, `/projects/${project}/scans/x`]) assert.is((await fetch(portal.url + path)).status, 404, path);
  assert.is((await fetch(`${portal.url}/projects/${project}`, { method: 'POST' })).status, 404);
  assert.is((await fetch(`${portal.url}/projects/${project}`, { method: 'HEAD' })).status, 200);
});
test('a table that does not show all says how many there are, and where the rest is', async () => {
  const shown = async (path: string): Promise<string> => {
    const { data } = await page(path);
    return runPage(`${portal.url}${path}`, data);
  };
  assert.match(await shown('/admin/disk'), /used pct/);
  assert.not.match(await shown('/admin/backup'), /of \d+\./);
  await sql`INSERT INTO backups (name, kind, status, is_encrypted) SELECT 'manual-20261102T' || lpad(n::text, 6, '0') || 'Z', 'manual', 'failed', false FROM generate_series(1, 204) n`.execute(db);
  const text = await shown('/admin/backup');
  assert.match(text, /These are the first 200 of 205\./);
  const url = /GET (\S+) /.exec(text)?.[1] ?? '';
  assert.ok(url.startsWith(`${portal.url}/v1/admin/backup?`), url);
  const items = member(await (await fetch(url, { headers: { Authorization: `Bearer ${admin.token ?? ''}` } })).json(), 'items');
  assert.is(Array.isArray(items) && items.length, 5);
});

/** Runs a page's script on as much of a browser as it needs, for a user who is logged in; the page's text. */
async function runPage(location: string, dataset: Record<string, string>): Promise<string> {
  class Element {
    dataset = dataset;
    textContent = '';
    children: (Element | string)[] = [];
    classList = { add: (): void => undefined };
    append(...more: (Element | string)[]): void { this.children.push(...more); }
    addEventListener(): void { /* nobody types */ }
    get text(): string { return this.textContent + this.children.map((one) => (one instanceof Element ? one.text : `${one} `)).join(''); }
  }
  const [main, form, output] = [new Element(), new Element(), new Element()];
  const ask = (url: URL, options: RequestInit): Promise<Response> => (url.pathname === '/auth/refresh' ? Promise.resolve(Response.json({ access_token: admin.token })) : fetch(url, options));
  const script = await (await fetch(`${portal.url}/result-page.js`)).text();
  const document = { querySelector: (name: string) => ({ main, form, output }[name]), createElement: () => new Element() };
  runInNewContext(script, { document, location: new URL(location), navigator: {}, fetch: ask, URL, URLSearchParams, Object });
  const deadline = Date.now() + 10_000;
  while (main.children.length === 0 && Date.now() < deadline) await new Promise((resolve) => { setImmediate(resolve); });
  return main.text + output.text;
}
