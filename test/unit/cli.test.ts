/** Pure pieces of the command line, and the examples for CI that use it. */
import * as assert from 'uvu/assert';
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { detectOrigin, repositoryOf } from '../../clients/typescript/src/cli/detect.ts';
import { escapeXml } from '../../clients/typescript/src/cli/junit.ts';
import { parseCommandLine } from '../../clients/typescript/src/cli/options.ts';
import { barOf, progressLine } from '../../clients/typescript/src/cli/progress.ts';
import { linkOf } from '../../clients/typescript/src/cli/result.ts';
import { formatOf } from '../../clients/typescript/src/cli/settings.ts';
import { kindOfFile } from '../../clients/typescript/src/cli/source.ts';
import { columns, plain } from '../../clients/typescript/src/cli/table.ts';
import { member } from '../support/contract.ts';
import { suite } from '../support/suite.ts';

const [A, B] = ['a'.repeat(40), 'b'.repeat(40)];

const origin = suite('detectOrigin');
origin('GitHub: a branch as it is, of a pull request the head instead of the merge', () => {
  const github = { GITHUB_ACTIONS: 'true', GITHUB_SHA: A, GITHUB_REPOSITORY: 'acme/shop' };
  assert.equal(detectOrigin({ ...github, GITHUB_REF: 'refs/heads/main' }, null, {}), { ref: 'refs/heads/main', commit: A, repository: 'acme/shop', request: undefined });
  assert.equal(detectOrigin({ ...github, GITHUB_REF: 'refs/pull/7/merge' }, { pull_request: { head: { sha: B } } }, { ref: 'x' }), { ref: 'refs/pull/7/merge', commit: B, repository: 'acme/shop', request: 7 });
});
origin('GitLab: branches, tags and merge requests', () => {
  const gitlab = { GITLAB_CI: 'true', CI_COMMIT_SHA: A, CI_PROJECT_PATH: 'group/sub/shop', CI_COMMIT_REF_NAME: 'v1' };
  assert.equal(detectOrigin(gitlab, null, {}), { ref: 'v1', commit: A, repository: 'group/sub/shop', request: undefined });
  assert.equal(detectOrigin({ ...gitlab, CI_MERGE_REQUEST_IID: '9', CI_MERGE_REQUEST_SOURCE_BRANCH_SHA: B }, null, {}), { ref: 'mr-9', commit: B, repository: 'group/sub/shop', request: 9 });
  assert.is(detectOrigin({ ...gitlab, CI_MERGE_REQUEST_IID: '9', CI_MERGE_REQUEST_SOURCE_BRANCH_SHA: '' }, null, {}).commit, A);
});
origin('Jenkins: plain and multibranch jobs', () => {
  assert.equal(detectOrigin({ GIT_BRANCH: 'origin/feature/x', GIT_COMMIT: A, GIT_URL: 'git@host:acme/shop.git' }, null, {}), { ref: 'feature/x', commit: A, repository: 'acme/shop', request: undefined });
  assert.equal(detectOrigin({ BRANCH_NAME: 'PR-3', CHANGE_ID: '3', GIT_COMMIT: A }, null, { repository: 'acme/shop' }), { ref: 'pr-3', commit: A, repository: 'acme/shop', request: 3 });
});
origin('elsewhere git tells', () => {
  assert.equal(detectOrigin({ CHANGE_ID: 'none' }, null, { ref: 'main', commit: A }), { ref: 'main', commit: A, repository: undefined, request: undefined });
  assert.equal(['https://host/acme/shop.git', 'ssh://git@host:22/a/b/c', 'git@host:acme/shop', '/srv/git/shop', 'https://host/shop', undefined].map(repositoryOf), ['acme/shop', 'a/b/c', 'acme/shop', undefined, undefined, undefined]);
});

const shown = suite('what is shown');
shown('names from elsewhere cannot move the cursor, begin a line or turn text around', () => {
  assert.is(plain('a\u001b[2Jb\r\nc\u202ed\u2028e'), 'a [2Jb c d e');
});
shown('XML holds only what XML 1.0 allows', () => {
  assert.is(escapeXml('<a b="c">&\'\n\u0000\ud800\uffff\u{1f600}]]>'), '&lt;a b=&quot;c&quot;&gt;&amp;&apos;&#10;\ufffd\ufffd\ufffd\u{1f600}]]&gt;');
});
shown('columns stand under each other', () => {
  assert.equal(columns([['a', 'bbb', 'c'], ['aa', 'b', 'c']]), ['a   bbb  c', 'aa  b    c']);
});
shown('links are without the prefix of the API', () => {
  assert.equal([linkOf('https://example.com/api', 'p', 's'), linkOf('https://example.com', 'p', null)], ['https://example.com/projects/p/scans/s', 'https://example.com/projects/p']);
});
shown('progress is a bar on a terminal, and elsewhere a line a step', () => {
  const told = (isTerminal: boolean): string => {
    let text = '';
    const line = progressLine((piece) => void (text += piece), isTerminal);
    line.tell({ percent: 0, step: 'queued' });
    line.tell({ percent: 40, step: 'prep' });
    line.tell({ percent: 60, step: 'prep' });
    line.note('note');
    line.tell({ percent: 100, step: 'succeeded' });
    line.end();
    return text;
  };
  assert.is(told(false), '  0 % queued\n 40 % prep\nnote\n100 % succeeded\n');
  assert.is(told(true).split('\r\u001b[2K').length, 6);
  assert.ok(told(true).endsWith(`${'#'.repeat(24)}] 100 % succeeded\n`));
  assert.is(barOf({ percent: 50, step: 'prep' }), `[${'#'.repeat(12)}${'.'.repeat(12)}]  50 % prep`);
});

const input = suite('what is sent');
input('files are told by their first bytes', () => {
  const kind = (text: string | number[]) => kindOfFile(typeof text === 'string' ? Buffer.from(text) : Buffer.from(text));
  assert.equal(['{"bomFormat"', '\ufeff \n<bom', 'SPDXVersion: SPDX-2.3', '# comment'].map(kind), ['sbom', 'sbom', 'sbom', 'sbom']);
  assert.equal([[0x50, 0x4b, 3, 4], [0x1f, 0x8b], [0x28, 0xb5, 0x2f, 0xfd], [...Buffer.from(`${'x'.repeat(257)}ustar`)]].map(kind), ['archive', 'archive', 'archive', 'archive']);
  assert.is(kindOfFile(Buffer.from('\ufeff{"bomFormat"', 'utf16le')), 'sbom');
  assert.equal(['', 'hello', [0, 1]].map(kind), [null, null, null]);
});
input('arguments go before variables, and empty ones count for nothing', () => {
  const parsed = parseCommandLine(['scan', 'src', '--url', 'https://b', '--no-wait'], { PORTAL_URL: 'https://a', PORTAL_PROJECT: ' shop\n', PORTAL_API_KEY: '' });
  assert.ok(parsed.show === null);
  assert.equal([parsed.command, parsed.path, parsed.text('url'), parsed.text('project'), parsed.text('api-key'), parsed.flag('no-wait'), parsed.flag('warn-as-error'), formatOf(parsed, 'scan')], ['scan', 'src', 'https://b', 'shop', undefined, true, false, 'table']);
  assert.throws(() => parseCommandLine(['gate', '--no-wait'], {}), /Unknown option '--no-wait'/);
  assert.throws(() => parseCommandLine(['gate', 'path'], {}), /'path' is one argument too many/);
  assert.throws(() => parseCommandLine(['scan', 'a', 'b'], {}), /'b' is one argument too many/);
  assert.equal([parseCommandLine([], {}), parseCommandLine(['gate', '-h'], {}), parseCommandLine(['--version'], {})], [{ show: 'help', command: null }, { show: 'help', command: 'gate' }, { show: 'version' }]);
});

/** Command lines of the portal in a text. */
const calls = (text: string): string[][] => [...text.matchAll(/(?:^\s*- (?:run: )?|bin\/)portal ([^\n'|]+)/gm)].map(([, line = '']) => line.trim().split(/\s+/));
const read = (name: string): Promise<string> => readFile(new URL(`../../examples/${name}`, import.meta.url), 'utf8');

const examples = suite('examples');
for (const name of ['github-actions.yml', 'gitlab-ci.yml', 'Jenkinsfile']) {
  examples(`${name} uses commands, options and formats that there are`, async () => {
    const found = calls(await read(name));
    assert.ok(found.length > 0 && found[0]?.[0] === 'scan');
    for (const line of found) {
      const parsed = parseCommandLine(line, { PORTAL_URL: 'x' });
      assert.ok(parsed.show === null && parsed.path === undefined, line.join(' '));
      formatOf(parsed, parsed.command);
    }
    for (const variable of ['PORTAL_URL', 'PORTAL_PROJECT', 'PORTAL_API_KEY', 'PORTAL_CLIENT']) assert.ok((await read(name)).includes(variable), variable);
  });
}
examples('the YAML ones are YAML, with jobs that have steps', async () => {
  const github: unknown = parse(await read('github-actions.yml'));
  const steps = member(github, 'jobs', 'scan', 'steps');
  assert.ok(Array.isArray(steps) && steps.every((step) => member(step, 'uses') !== undefined || typeof member(step, 'run') === 'string'));
  assert.equal(steps.map((step: unknown) => String(member(step, 'run'))).filter((run) => run.startsWith('portal ')).length, 1);
  const gitlab: unknown = parse(await read('gitlab-ci.yml'));
  assert.match(String(member(gitlab, 'portal', 'script', 0)), /^portal scan/);
  assert.is(member(gitlab, 'portal', 'artifacts', 'reports', 'junit'), 'portal.xml');
});
examples('the braces of the Jenkinsfile close', async () => {
  const text = (await read('Jenkinsfile')).replaceAll(/^\s*\/\/.*$/gm, '');
  let depth = 0;
  for (const sign of text.match(/[{}]/g) ?? []) {
    depth += sign === '{' ? 1 : -1;
    assert.ok(depth >= 0);
  }
  assert.is(depth, 0);
});
