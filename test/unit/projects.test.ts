/** Slugs, git URLs, refs and scan requests. */
import * as assert from 'uvu/assert';
import { DomainError } from '../../src/core/errors.ts';
import { parseGitUrl } from '../../src/domain/projects/git-url.ts';
import { freeSlug, slugify } from '../../src/domain/projects/slug.ts';
import { normaliseRef, scanRequestFromForm, scanRequestFromJson } from '../../src/domain/scans/request.ts';
import { orderComponents } from '../../src/domain/scans/graph.ts';
import type { DetectedComponent } from '../../src/core/component.ts';
import { suite } from '../support/suite.ts';

const isProblem = (kind: string) => (error: unknown): boolean => error instanceof DomainError && error.kind === kind;

const slugs = suite('slugify');
slugs('a slug is lower-case ASCII with single dashes', () => {
  assert.is(slugify('  Zählung & Café (neu) '), 'zahlung-cafe-neu');
  assert.is(slugify('日本'), 'project');
  assert.match(slugify('x'.repeat(300)), /^x{56}$/);
});
slugs('a taken slug gets the smallest free number', () => {
  assert.is(freeSlug('a', new Set()), 'a');
  assert.is(freeSlug('a', new Set(['a', 'a-2'])), 'a-3');
});

const git = suite('parseGitUrl');
git('credentials are taken out of https URLs', () => {
  assert.equal(parseGitUrl('https://bob:s%40cret@git.example.com/a.git'), { url: 'https://git.example.com/a.git', credential: 'bob:s@cret' });
  assert.equal(parseGitUrl('https://token@git.example.com/a.git'), { url: 'https://git.example.com/a.git', credential: 'token' });
});
git('ssh forms keep their user, which is no secret', () => {
  assert.equal(parseGitUrl('git@git.example.com:a/b.git'), { url: 'git@git.example.com:a/b.git', credential: null });
  assert.equal(parseGitUrl('ssh://git@git.example.com/a'), { url: 'ssh://git@git.example.com/a', credential: null });
});
for (const hostile of ['file:///etc/passwd', 'ext::sh -c id', '--upload-pack=x', 'http://git.example.com/a', '/srv/repo', 'https://', 'not a url', 'javascript:alert(1)']) {
  git(`${hostile} is refused`, () => assert.throws(() => parseGitUrl(hostile), isProblem('unsupported-git-url')));
}

const refs = suite('normaliseRef');
for (const [given, name] of [['refs/heads/main', 'main'], ['refs/tags/v1', 'v1'], ['refs/pull/7/merge', 'pr-7'], ['refs/merge-requests/8/head', 'mr-8'], ['main', 'main'], ['', null]] as const) {
  refs(`'${given}' is ${name ?? 'none'}`, () => assert.is(normaliseRef(given), name));
}

const upload = (field: string) => ({ field, fileName: 'f', path: '/nowhere', byteSize: 1, sha256: Buffer.alloc(32), head: Buffer.alloc(0) });
const requests = suite('scan requests');
requests('the file field implies the kind', () => {
  assert.is(scanRequestFromForm({}, [upload('sbom')]).kind, 'sbom');
  assert.is(scanRequestFromForm({}, [upload('archive')]).kind, 'source');
});
for (const [what, make] of [
  ['kind sbom without a document', () => scanRequestFromForm({ kind: 'sbom' }, [])],
  ['kind that contradicts the file', () => scanRequestFromForm({ kind: 'source' }, [upload('sbom')])],
  ['two sources', () => scanRequestFromForm({}, [upload('sbom'), upload('archive')])],
  ['an unknown file field', () => scanRequestFromForm({}, [upload('file')])],
  ['metadata that is no JSON', () => scanRequestFromForm({ metadata: '{' }, [upload('sbom')])],
  ['metadata that is no object', () => scanRequestFromForm({ metadata: '[]' }, [upload('sbom')])],
  ['deep metadata', () => scanRequestFromJson({ metadata: { a: { b: { c: { d: { e: 1 } } } } } })],
  ['large metadata', () => scanRequestFromJson({ metadata: { a: 'x'.repeat(17_000) } })],
  ['kind sbom as JSON', () => scanRequestFromJson({ kind: 'sbom' })],
] as const) {
  requests(`${what} is refused`, () => assert.throws(make, isProblem('validation-failed')));
}

const component = (name: string, direct: boolean, dependsOn: string[]): DetectedComponent => ({
  ref: name, purl: `pkg:npm/${name}@1.0.0`, type: 'library', namespace: null, name, version: '1.0.0', scope: 'required', direct, dependsOn,
  declaredLicense: null, hashes: {}, supplier: null, description: null, evidence: null,
});
const graph = suite('dependency graph');
graph('ordinals follow the package URL, depths the shortest path, cycles end', () => {
  const ordered = orderComponents([component('c', false, ['a']), component('b', false, ['c']), component('a', true, ['b', 'c', 'unknown'])]);
  assert.equal(ordered.map(({ component: { name }, ordinal, dependsOn, depth }) => [name, ordinal, dependsOn, depth]), [['a', 0, [1, 2], 1], ['b', 1, [2], 2], ['c', 2, [0], 2]]);
});
