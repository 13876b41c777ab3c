/** The text of SQL files. */

const TOKEN = /--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'|"[^"]*"|(\$\w*\$)[\s\S]*?\1|;|[^-/'"$;]+|[\s\S]/g;

/** The statements, without comments, each on one line. Strings, quoted names and dollar quotes stay whole. */
export function statementsOf(text: string): string[] {
  const statements = [''];
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === ';') statements.push('');
    else if (token.startsWith('--') || token.startsWith('/*')) statements.push(`${statements.pop() ?? ''} `);
    else statements.push((statements.pop() ?? '') + (/^['"$]/.test(token) ? token : token.replaceAll(/\s+/g, ' ')));
  }
  return statements.map((statement) => statement.replaceAll(/^ +| +$/g, '').replaceAll(/ {2,}/g, ' ')).filter((statement) => statement !== '');
}
