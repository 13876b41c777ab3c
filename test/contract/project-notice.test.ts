/** The notice that goes with a product: whose work is in it, under which licences, with their texts, safe in each format. */
import * as assert from 'uvu/assert';
import { sbomForm } from '../support/fixtures.ts';
import { startTestPortal } from '../support/portal.ts';
import { bomOf, component, RICH } from '../support/rich-sbom.ts';
import { newProject, queuedScan, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { admin, database } = await startTestPortal();
const project = await newProject(admin, { name: 'Shop & <Co>', description: 'Sells "things"' });
assert.is((await scanToEnd(admin, project, sbomForm(RICH))).status, 'succeeded');

const notice = suite('getProjectNotice');
const noticeOf = (format: string, query: Record<string, string | boolean> = {}, id = project) => admin.expect(200, 'getProjectNotice', { path: { id }, query: { format, ...query } });
notice('names what reaches users, by whom and under which licence, and has each text once', async () => {
  const { text } = await noticeOf('text');
  for (const part of ['NOTICES FOR SHOP & <CO>', `${'-'.repeat(78)}\nMIT: 1 component\n${'-'.repeat(78)}\n\nalpha 1.0.0\n  pkg:npm/alpha@1.0.0\n  Copyright 2020 Ada\n  Copyright 2021 Bob`, 'LicenseRef-House-licence: 1 component', 'beta 1.0.0', 'Do as you like in this house.\nBut wipe your feet.', 'libssl3 3.0.11-1', 'No licence known: 3 components']) assert.ok(text.includes(part), part);
  assert.not.match(text, /pkg:npm\/gamma/, 'a development dependency');
  assert.is(text.split('Permission is hereby granted, free of charge').length, 2);
  assert.is((await noticeOf('text')).text, text);
});
notice('is by licence, unknown ones last, and tells where the texts of exceptions are', async () => {
  const id = await newProject(admin);
  const under = (name: string, expression: string | null) => component(name, expression === null ? {} : { licenses: [{ expression }] });
  const parts = [under('a', 'MIT'), under('b', null), under('c', 'GPL-2.0-only WITH Classpath-exception-2.0'), under('d', 'MIT'), under('e', 'Apache-2.0 OR MIT')];
  await scanToEnd(admin, id, sbomForm(bomOf(parts)));
  const lines = (await noticeOf('markdown', {}, id)).text.split('\n');
  const headings = lines.filter((line) => line.startsWith('### ') || line.startsWith('- **'));
  assert.equal(headings, ['### Apache-2.0 OR MIT: 1 component', '- **e 1.0.0** `pkg:npm/e@1.0.0`', '### GPL-2.0-only WITH Classpath-exception-2.0: 1 component', '- **c 1.0.0** `pkg:npm/c@1.0.0`', '### MIT: 2 components', '- **a 1.0.0** `pkg:npm/a@1.0.0`', '- **d 1.0.0** `pkg:npm/d@1.0.0`',
    '### No licence known: 1 component', '- **b 1.0.0** `pkg:npm/b@1.0.0`', '### Apache License 2.0 (`Apache-2.0`)', '### GNU General Public License v2.0 only (`GPL-2.0-only`)', '### MIT License (`MIT`)', '### Classpath-exception-2.0']);
  const html = (await noticeOf('html', {}, id)).text;
  const ids = new Set([...html.matchAll(/ id="([^"]+)"/g)].map(([, name]) => name));
  const links = [...html.matchAll(/href="#([^"]+)"/g)].map(([, name]) => name);
  assert.is(links.length, 5);
  assert.ok(links.every((name) => ids.has(name)), 'each link leads to a text');
});
notice('is safe in Markdown and HTML, whatever components are called', async () => {
  const id = await newProject(admin, { name: '<script>alert(1)</script> [x](javascript:alert(1)) `' });
  const evil = component('evil', { name: '<img src=x onerror=alert(1)>', purl: 'pkg:npm/evil@1.0.0', copyright: '</pre><script>alert(2)</script> @everyone ![i](http://x)', licenses: [{ license: { name: 'A "b" <c>', text: { content: '```\n</pre><script>alert(3)</script>' } } }] });
  await scanToEnd(admin, id, sbomForm(bomOf([evil])));
  const html = await noticeOf('html', {}, id);
  assert.equal([html.headers.get('Content-Type'), html.headers.get('Content-Disposition')?.startsWith('inline')], ['text/html; charset=utf-8', true]);
  assert.match(html.headers.get('Content-Security-Policy') ?? '', /^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]{44}'/);
  assert.equal([...html.text.matchAll(/<(?!\/)([a-z0-9]+)/g)].map(([, tag]) => tag).filter((tag) => ['script', 'img'].includes(tag ?? '')), []);
  const markdown = (await noticeOf('markdown', {}, id)).text;
  assert.match(markdown, /^# Notices for \\<script\\>/);
  assert.match(markdown, /````text\n```\n<\/pre><script>/);
  assert.not.match(markdown.replaceAll(/````text[\s\S]*?````/g, ''), /(?<!\\)<script|[^\\]!\[|@everyone/);
});
notice('is an attachment where asked for, has a tag, and is empty and whole without a scan', async () => {
  const answer = await noticeOf('markdown', { download: true });
  assert.match(answer.headers.get('Content-Disposition') ?? '', /^attachment; filename="[a-z0-9-]+-NOTICE\.md"$/);
  await admin.expect(304, 'getProjectNotice', { path: { id: project }, query: { format: 'markdown' }, headers: { 'If-None-Match': answer.headers.get('ETag') ?? '' } });
  const empty = await newProject(admin);
  for (const format of ['text', 'markdown', 'html']) assert.match((await noticeOf(format, {}, empty)).text, /There are no components/);
  await admin.refused('scan-not-finished', 'getProjectNotice', { path: { id: empty }, query: { scan_id: await queuedScan(database, empty) } });
});
