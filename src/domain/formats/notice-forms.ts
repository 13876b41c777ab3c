/** NOTICE files as text, Markdown and one HTML page. */
import { createHash } from 'node:crypto';
import { escapeHtml } from './html.ts';
import { code, escapeMarkdown, fenced } from './markdown.ts';
import type { NoticeForm } from './notice.ts';

const LINE = '='.repeat(78);
const UNKNOWN = 'No licence known';
const many = (count: number): string => (count === 1 ? '1 component' : `${count} components`);

export const TEXT: NoticeForm = {
  start: (title, lines) => `${title.toUpperCase()}\n\n${lines.join('\n')}\n`,
  section: (title, introduction) => `\n${LINE}\n${title.toUpperCase()}\n${introduction}\n${LINE}\n`,
  group: (license, count) => `\n${'-'.repeat(78)}\n${license ?? UNKNOWN}: ${many(count)}\n${'-'.repeat(78)}\n`,
  entry: ({ name, version, purl, copyright }) => `\n${`${name} ${version}`.trim()}\n  ${purl}\n${copyright === null ? '' : `${indented(copyright)}\n`}`,
  endGroup: () => '',
  license: (id, name, text) => `\n${'-'.repeat(78)}\n${name}${name === id ? '' : ` (${id})`}\n${'-'.repeat(78)}\n\n${text}\n`,
  end: () => '',
};
const indented = (text: string): string => text.split('\n').map((line) => `  ${line}`).join('\n');

export const MARKDOWN: NoticeForm = {
  start: (title, lines) => `# ${escapeMarkdown(title)}\n\n${lines.map(escapeMarkdown).join('\n\n')}\n`,
  section: (title, introduction) => `\n## ${title}\n\n${escapeMarkdown(introduction)}\n`,
  group: (license, count) => `\n### ${license === null ? UNKNOWN : escapeMarkdown(license)}: ${many(count)}\n\n`,
  entry: ({ name, version, purl, copyright }) => `- **${escapeMarkdown(`${name} ${version}`.trim())}** ${code(purl)}\n${copyright === null ? '' : copyright.split('\n').map((line) => `  - ${escapeMarkdown(line)}\n`).join('')}`,
  endGroup: () => '',
  license: (id, name, text) => `\n### ${escapeMarkdown(name)}${name === id ? '' : ` (${code(id)})`}\n\n${fenced(text)}\n`,
  end: () => '',
};

const STYLE = `
:root { color-scheme: light dark; --line: light-dark(#d5dae1, #39414d); --soft: light-dark(#f4f6f9, #1a1f27); --faint: light-dark(#545d6b, #a3adbb); }
body { margin: 0 auto; max-width: 60rem; padding: 2rem 1.25rem 4rem; font: 1rem/1.55 system-ui, sans-serif; background: light-dark(#fff, #11151b); color: light-dark(#1a2029, #e4e9f0); }
h1 { font-size: 1.7rem; line-height: 1.25; } h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); padding-bottom: .3rem; }
h3 { margin: 0; font-size: 1rem; overflow-wrap: anywhere; } p { margin: .4rem 0; }
.group { border: 1px solid var(--line); border-radius: .5rem; margin: .8rem 0; } .group h3 { background: var(--soft); border-radius: .5rem .5rem 0 0; padding: .6rem 1rem; break-after: avoid; }
.group ul { list-style: none; margin: 0; padding: 0; } .group li { border-top: 1px solid var(--line); padding: .5rem 1rem; overflow-wrap: anywhere; break-inside: avoid; }
.count, .purl { color: var(--faint); font-weight: 400; font-size: .85rem; } .purl, .copyright { display: block; } .copyright { white-space: pre-line; font-size: .9rem; }
.unknown { color: light-dark(#9a3412, #fdba74); } a { color: light-dark(#1a56b0, #8ab8ff); }
pre { background: var(--soft); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; white-space: pre-wrap; overflow-wrap: anywhere; font-size: .8rem; line-height: 1.45; }
@media print { body { max-width: none; padding: 0; background: #fff; color: #000; } pre { border: 0; padding: 0; background: none; } }
`;
/** For the page's Content-Security-Policy: nothing but its own style. */
export const NOTICE_CSP = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

export const HTML: NoticeForm = {
  start: (title, lines) => `<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>${escapeHtml(title)}</title>\n<style>${STYLE}</style>\n</head>\n<body>\n<main>\n<h1>${escapeHtml(title)}</h1>\n${lines.map((line) => `<p>${escapeHtml(line)}</p>\n`).join('')}`,
  section: (title, introduction) => `<h2>${escapeHtml(title)}</h2>\n<p>${escapeHtml(introduction)}</p>\n`,
  group: (license, count) => `<section class="group">\n<h3>${license === null ? `<span class="unknown">${UNKNOWN}</span>` : linked(license)} <span class="count">${many(count)}</span></h3>\n<ul>\n`,
  entry: ({ name, version, purl, copyright }) => `<li>${escapeHtml(`${name} ${version}`.trim())}<span class="purl">${escapeHtml(purl)}</span>${copyright === null ? '' : `<span class="copyright">${escapeHtml(copyright)}</span>`}</li>\n`,
  endGroup: () => '</ul>\n</section>\n',
  license: (id, name, text) => `<section id="${anchor(id)}">\n<h3>${escapeHtml(name)}${name === id ? '' : ` <code>${escapeHtml(id)}</code>`}</h3>\n<pre>${escapeHtml(text)}</pre>\n</section>\n`,
  end: () => '</main>\n</body>\n</html>\n',
};

/** Each licence and exception of the expression leads to its text. */
const linked = (expression: string): string =>
  expression.split(/([()\s]+)/).map((word) => (/^(?:[()\s]*|AND|OR|WITH)$/.test(word) ? escapeHtml(word) : `<a href="#${anchor(word)}">${escapeHtml(word)}</a>`)).join('');

const anchor = (id: string): string => `license-${id.replaceAll(/[^A-Za-z0-9.-]/g, '_')}`;
