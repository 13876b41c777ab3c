/** Untrusted texts in Markdown: no markup of theirs, no mention of anybody. */

export const escapeMarkdown = (text: string): string => text.replaceAll(/[\r\n]+/g, ' ').replaceAll(/[\\`*_{}[\]<>#|~&]/g, '\\$&').replaceAll('@', '@\u2060');

/** In more backticks than it holds in a row; a bar would end the cell of a table. */
export function code(text: string): string {
  const ticks = '`'.repeat(longestRun(text) + 1);
  const plain = text.replaceAll(/[\r\n]+/g, ' ').replaceAll('|', '\u2223');
  return ticks.length > 1 ? `${ticks} ${plain} ${ticks}` : `\`${plain}\``;
}

export function fenced(text: string): string {
  const fence = '`'.repeat(Math.max(3, longestRun(text) + 1));
  return `${fence}text\n${text}\n${fence}`;
}

const longestRun = (text: string): number => Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
