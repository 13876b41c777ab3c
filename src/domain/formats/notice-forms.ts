/** NOTICE files as text, Markdown and one HTML page. */
import { createHash } from 'node:crypto';
import { escapeHtml } from './html.ts';
import { code, escapeMarkdown, fenced } from './markdown.ts';
import type { NoticeEntry, NoticeForm } from './notice.ts';

const LINE = '='.repeat(78);
const UNKNOWN = 'no licence known';

export const TEXT: NoticeForm = {
  start: (title, lines) => `${title.toUpperCase()}\n\n${lines.join('\n')}\n`,
  section: (title, introduction) => `\n${LINE}\n${title.toUpperCase()}\n${introduction}\n${LINE}\n`,
  entry: ({ name, version, purl, license, copyright }) => `\n${name} ${version}\n  ${purl}\n  Licence: ${license ?? UNKNOWN}\n${copyright === null ? '' : `${indented(copyright)}\n`}`,
  license: (id, name, text) => `\n${'-'.repeat(78)}\n${name}${name === id ? '' : ` (${id})`}\n${'-'.repeat(78)}\n\n${text}\n`,
  end: () => '',
};
const indented = (text: string): string => text.split('\n').map((line) => `  ${line}`).join('\n');

export const MARKDOWN: NoticeForm = {
  start: (title, lines) => `# ${escapeMarkdown(title)}\n\n${lines.map(escapeMarkdown).join('\n\n')}\n`,
  section: (title, introduction) => `\n## ${title}\n\n${escapeMarkdown(introduction)}\n`,
  entry: ({ name, version, purl, license, copyright }) =>
    `\n### ${escapeMarkdown(`${name} ${version}`)}\n\n- ${code(purl)}\n- Licence: ${license === null ? UNKNOWN : code(license)}\n${copyright === null ? '' : copyright.split('\n').map((line) => `- ${escapeMarkdown(line)}\n`).join('')}`,
  license: (id, name, text) => `\n### ${escapeMarkdown(name)}${name === id ? '' : ` (${code(id)})`}\n\n${fenced(text)}\n`,
  end: () => '',
};

const STYLE = `
:root { color-scheme: light dark; --line: light-dark(#d5dae1, #39414d); --soft: light-dark(#f4f6f9, #1a1f27); --faint: light-dark(#545d6b, #a3adbb); }
body { margin: 0 auto; max-width: 60rem; padding: 2rem 1.25rem 4rem; font: 1rem/1.55 system-ui, sans-serif; background: light-dark(#fff, #11151b); color: light-dark(#1a2029, #e4e9f0); }
h1 { font-size: 1.7rem; line-height: 1.25; } h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); padding-bottom: .3rem; }
h3 { margin: 0; font-size: 1rem; overflow-wrap: anywhere; } p { margin: .4rem 0; }
article { border: 1px solid var(--line); border-radius: .5rem; padding: .7rem 1rem; margin: .6rem 0; break-inside: avoid; }
.purl { color: var(--faint); font-size: .85rem; overflow-wrap: anywhere; } .copyright { white-space: pre-line; font-size: .9rem; overflow-wrap: anywhere; }
.unknown { color: light-dark(#9a3412, #fdba74); } a { color: light-dark(#1a56b0, #8ab8ff); }
pre { background: var(--soft); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; white-space: pre-wrap; overflow-wrap: anywhere; font-size: .8rem; line-height: 1.45; }
@media print { body { max-width: none; padding: 0; background: #fff; color: #000; } pre { border: 0; padding: 0; background: none; } }
`;
/** For the page's Content-Security-Policy: nothing but its own style. */
export const NOTICE_CSP = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

export const HTML: NoticeForm = {
  start: (title, lines) => `<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>${escapeHtml(title)}</title>\n<style>${STYLE}</style>\n</head>\n<body>\n<main>\n<h1>${escapeHtml(title)}</h1>\n${lines.map((line) => `<p>${escapeHtml(line)}</p>\n`).join('')}`,
  section: (title, introduction) => `<h2>${escapeHtml(title)}</h2>\n<p>${escapeHtml(introduction)}</p>\n`,
  entry: htmlEntry,
  license: (id, name, text) => `<section id="${anchor(id)}">\n<h3>${escapeHtml(name)}${name === id ? '' : ` <code>${escapeHtml(id)}</code>`}</h3>\n<pre>${escapeHtml(text)}</pre>\n</section>\n`,
  end: () => '</main>\n</body>\n</html>\n',
};

function htmlEntry({ name, version, purl, license, copyright }: NoticeEntry): string {
  const linked = license === null ? `<span class="unknown">${UNKNOWN}</span>` : license.split(/([()\s]+|WITH \S+)/).map((word) => (/^(?:[()\s]*|AND|OR|WITH .*)$/.test(word) ? escapeHtml(word) : `<a href="#${anchor(word)}">${escapeHtml(word)}</a>`)).join('');
  return `<article>\n<h3>${escapeHtml(`${name} ${version}`)}</h3>\n<p class="purl">${escapeHtml(purl)}</p>\n<p>Licence: ${linked}</p>\n${copyright === null ? '' : `<p class="copyright">${escapeHtml(copyright)}</p>\n`}</article>\n`;
}

const anchor = (id: string): string => `license-${id.replaceAll(/[^A-Za-z0-9.-]/g, '_')}`;
