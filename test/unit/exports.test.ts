/** What is exported is for another file: functions and values that only their own file uses are not. (Types of what a function takes and gives are for whoever reads its signature.) */
import * as assert from 'uvu/assert';
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from '../support/suite.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const files = globSync(['src/**/*.ts', 'scripts/**/*.ts', 'test/**/*.ts', 'clients/typescript/src/**/*.ts'], { cwd: ROOT }).filter((file) => !file.includes('/generated/'));
const texts = new Map(files.map((file) => [file, readFileSync(`${ROOT}/${file}`, 'utf8')]));
/** Files that use a name. */
const users = new Map<string, Set<string>>();
for (const [file, text] of texts) {
  for (const [name] of text.matchAll(/\b[A-Za-z_]\w*/g)) users.set(name, (users.get(name) ?? new Set()).add(file));
}

const exported = suite('exports');
exported('no function or value is exported that nothing else uses', () => {
  const unused = [...texts].flatMap(([file, text]) =>
    [...text.matchAll(/^export (?:async )?(?:function\*?|const|let|class) (\w+)/gm)].flatMap(([, name = '']) => ((users.get(name)?.size ?? 0) > 1 ? [] : [`${file}: ${name}`])));
  assert.equal(unused, []);
});
