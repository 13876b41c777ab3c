/** Lock-file readers where manifests, groups and modules of the same source matter; encodings; sizes; and the YAML of lock files. */
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import type { Inventory } from '../../src/core/component.ts';
import { detect, isWanted } from '../../src/scan/detect.ts';
import { parseLockYaml } from '../../src/scan/lockfiles/lock-yaml.ts';
import { suite } from '../support/suite.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const read = (files: Readonly<Record<string, string | Uint8Array>>): Promise<Inventory> =>
  detect(Object.entries(files).filter(([path]) => isWanted(path)).map(([path, content]) => ({ path, data: typeof content === 'string' ? bytes(content) : content })));

/** `purl direct|transitive|? scope -> edges`, without `pkg:`. */
async function lines(files: Readonly<Record<string, string | Uint8Array>>): Promise<string[]> {
  return (await read(files)).components.map(({ purl, direct, scope, dependsOn }) => {
    const edges = dependsOn.map((one) => one.slice(4)).join(' ');
    return `${purl.slice(4)} ${direct === null ? '?' : direct ? 'direct' : 'transitive'} ${scope}${edges === '' ? '' : ` -> ${edges}`}`;
  }).sort();
}

const cargo = suite('Cargo');
const crate = (name: string, version: string, needs: string[] = [], isOwn = false): string =>
  `[[package]]\nname = "${name}"\nversion = "${version}"\n${isOwn ? '' : `source = "registry+https://x"\nchecksum = "${'ab'.repeat(32)}"\n`}dependencies = [${needs.map((need) => `"${need}"`).join(', ')}]\n\n`;
const LOCK = `version = 4\n${crate('app', '0.1.0', ['serde 1.0.0', 'rand', 'criterion', 'cc', 'helper', 'opt'], true)}${crate('helper', '0.1.0', ['log', 'serde 2.0.0'], true)}${crate('serde', '1.0.0')}${crate('serde', '2.0.0')}${crate('rand', '0.8.5', ['libc'])}${crate('libc', '0.2.0')}${crate('criterion', '0.5.0', ['plot', 'libc'])}${crate('plot', '0.3.0')}${crate('cc', '1.0.0')}${crate('log', '0.4.0')}${crate('opt', '1.0.0')}`;
cargo('scopes come from the manifests of the workspace: dev, build, optional, renamed, for one platform', async () => {
  const files = {
    'Cargo.lock': LOCK,
    'Cargo.toml': '[package]\nname = "app"\n[workspace]\nmembers = ["helper"]\n[workspace.dependencies]\nrandom = { package = "rand", version = "0.8" }\n[dependencies]\nserde = "1"\nrandom = { workspace = true }\nopt = { version = "1", optional = true }\n[target."cfg(unix)".dev-dependencies]\ncriterion = "0.5"\n[build-dependencies]\ncc = "1"\n',
    'helper/Cargo.toml': '[package]\nname = "helper"\n[dependencies]\nlog = "0.4"\nserde2 = { package = "serde", version = "2" }\n',
  };
  assert.equal(await lines(files), [
    'cargo/cc@1.0.0 direct dev', 'cargo/criterion@0.5.0 direct dev -> cargo/plot@0.3.0 cargo/libc@0.2.0', 'cargo/libc@0.2.0 transitive required', 'cargo/log@0.4.0 direct required', 'cargo/opt@1.0.0 direct optional',
    'cargo/plot@0.3.0 transitive dev', 'cargo/rand@0.8.5 direct required -> cargo/libc@0.2.0', 'cargo/serde@1.0.0 direct required', 'cargo/serde@2.0.0 direct required',
  ]);
  assert.equal((await read(files)).components[0]?.hashes, { 'SHA-256': 'ab'.repeat(32) });
  assert.ok((await lines({ 'Cargo.lock': LOCK })).every((line) => line.includes(' required')));
});
cargo('the first version of the format keeps its checksums apart', async () => {
  const { components } = await read({ 'Cargo.lock': `[root]\nname = "app"\nversion = "0.1.0"\ndependencies = ["a 1.0.0 (registry+https://x)"]\n\n[[package]]\nname = "a"\nversion = "1.0.0"\nsource = "registry+https://x"\n\n[metadata]\n"checksum a 1.0.0 (registry+https://x)" = "${'cd'.repeat(32)}"\n` });
  assert.equal(components.map(({ purl, direct, hashes }) => [purl, direct, hashes]), [['pkg:cargo/a@1.0.0', true, { 'SHA-256': 'cd'.repeat(32) }]]);
});

const ruby = suite('Ruby');
const GEMS = `GIT\n  remote: https://github.com/a/forked.git\n  revision: abc\n  branch: main\n  specs:\n    forked (1.2.0)\n      rack (>= 2)\n\nPATH\n  remote: .\n  specs:\n    own (0.1.0)\n      mail (~> 2)\n\nGEM\n  remote: https://rubygems.org/\n  specs:\n    mail (2.8.0)\n      mini_mime\n    mini_mime (1.1.0)\n    nokogiri (1.13.0-x86_64-linux)\n      racc (~> 1.4)\n    nokogiri (1.13.0)\n      racc (~> 1.4)\n    racc (1.6.0)\n    rack (2.2.0)\n    rspec (3.12.0)\n      rspec-core\n    rspec-core (3.12.1)\n    rubocop (1.50.0)\n    rake (13.0.0)\n\nPLATFORMS\n  ruby\n\nDEPENDENCIES\n  forked!\n  nokogiri (>= 1.13)\n  own!\n  rake\n  rspec\n  rubocop\n\nCHECKSUMS\n  rack (2.2.0) sha256=${'ef'.repeat(32)}\n\nBUNDLED WITH\n   2.5.0\n`;
ruby('gems from git are components, the repository\'s own are not but what they need is direct; groups say what is for development', async () => {
  const Gemfile = 'source "https://rubygems.org"\ngemspec\nif ENV["X"]\n  gem "nokogiri", ">= 1.13"\nend\ngem "forked", git: "https://github.com/a/forked.git"\ngroup :development, :test do # tools\n  platforms :ruby do\n    gem "rspec"\n  end\nend\ngem "nokogiri"\ngem "rubocop", group: [:lint], require: false\n';
  assert.equal(await lines({ 'Gemfile.lock': GEMS, Gemfile }), [
    'gem/forked@1.2.0 direct required -> gem/rack@2.2.0', 'gem/mail@2.8.0 direct required -> gem/mini_mime@1.1.0', 'gem/mini_mime@1.1.0 transitive required', 'gem/nokogiri@1.13.0 direct required -> gem/racc@1.6.0', 'gem/racc@1.6.0 transitive required',
    'gem/rack@2.2.0 transitive required', 'gem/rake@13.0.0 direct dev', 'gem/rspec-core@3.12.1 transitive dev', 'gem/rspec@3.12.0 direct dev -> gem/rspec-core@3.12.1', 'gem/rubocop@1.50.0 direct dev',
  ]);
  const { components } = await read({ 'Gemfile.lock': GEMS });
  assert.ok(components.every(({ scope }) => scope === 'required'));
  assert.equal(components.find(({ name }) => name === 'rack')?.hashes, { 'SHA-256': 'ef'.repeat(32) });
});

const java = suite('Maven');
const dependency = (group: string, artifact: string, more = ''): string => `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId>${more}</dependency>`;
const project = (artifact: string, more: string, parent = ''): string => `<project>${parent}<groupId>com.acme</groupId><artifactId>${artifact}</artifactId><version>1.0</version>${more}</project>`;
const managed = (more: string): string => `<dependencyManagement><dependencies>${more}</dependencies></dependencyManagement>`;
const parentOf = (artifact: string, path = ''): string => `<parent><groupId>com.acme</groupId><artifactId>${artifact}</artifactId><version>1.0</version>${path}</parent>`;
const IMPORT = '<version>${project.version}</version><type>pom</type><scope>import</scope>';
java('BOMs of the same source give versions, in their own properties; what stands nearer wins', async () => {
  const files = {
    'bom/pom.xml': project('bom', `<properties><x>2.0</x></properties>${managed(dependency('g', 'a', '<version>${x}</version>') + dependency('g', 'b', '<version>2.1</version><scope>test</scope>') + dependency('com.acme', 'inner', IMPORT))}`),
    'inner/pom.xml': project('inner', managed(dependency('g', 'c', '<version>3.0</version>') + dependency('g', 'a', '<version>9.9</version>') + dependency('com.acme', 'bom', IMPORT))),
    'parent/pom.xml': project('parent', `<properties><x>1.0</x></properties>${managed(dependency('com.acme', 'bom', IMPORT) + dependency('org.elsewhere', 'cloud', '<version>2023.0</version><type>pom</type><scope>import</scope>'))}`, parentOf('boot').replaceAll('com.acme', 'org.boot')),
    'app/pom.xml': project('app', `<dependencies>${dependency('g', 'a')}${dependency('g', 'b')}${dependency('g', 'c')}${dependency('g', 'd')}${dependency('g', 'e', '<version>LATEST</version>')}</dependencies>`, parentOf('parent', '<relativePath/>')),
  };
  assert.equal(await lines(files), ['maven/g/a@2.0 direct required', 'maven/g/b@2.1 direct dev', 'maven/g/c@3.0 direct required']);
  assert.equal((await read(files)).warnings, ['app/pom.xml: the versions of 2 dependencies do not stand in the source, but may in the BOM org.elsewhere:cloud:2023.0, the parent org.boot:boot:1.0, which a repository has: g:d, g:e']);
});
java('parents that lead in a circle end', async () => {
  const files = { 'a/pom.xml': project('a', `<dependencies>${dependency('g', 'a', '<version>1</version>')}</dependencies>`, parentOf('b')), 'b/pom.xml': project('b', '', parentOf('a')) };
  assert.equal(await lines(files), ['maven/g/a@1 direct required']);
});

const others = suite('other formats');
others('package-lock 2, which holds both forms, is read by its packages', async () => {
  const packages = { '': { dependencies: { a: '1' } }, 'node_modules/a': { version: '1.0.0', dependencies: { b: '2' } }, 'node_modules/b': { version: '2.0.0' } };
  assert.equal(await lines({ 'package-lock.json': JSON.stringify({ lockfileVersion: 2, packages, dependencies: { a: { version: '9.9.9' } } }) }), ['npm/a@1.0.0 direct required -> npm/b@2.0.0', 'npm/b@2.0.0 transitive required']);
  assert.equal(await lines({ 'package-lock.json': JSON.stringify({ lockfileVersion: 3, packages: { [`${'node_modules/a/'.repeat(50_000)}node_modules/b`]: { version: '1.0.0', dependencies: { c: '1' } }, ...packages } }) }), ['npm/a@1.0.0 direct required -> npm/b@2.0.0', 'npm/b@2.0.0 transitive required']);
});
others('go.mod: blocks and single lines, indirect modules, replacements', async () => {
  const mod = 'module example.com/m // the module\n\ngo 1.21\n\nrequire github.com/a/b v1.0.0\nrequire (\n\tgolang.org/x/text v0.3.5 // indirect\n\tgithub.com/old/c/v2 v2.0.0\n\t// github.com/no/no v1.0.0\n\tgithub.com/local/d v1.0.0 // indirect; why\n)\nreplace github.com/old/c/v2 => github.com/new/c v1.5.0\nreplace (\n\tgithub.com/local/d v1.0.0 => ../d\n)\nexclude github.com/a/b v0.9.0\nretract v0.0.1\n';
  assert.equal(await lines({ 'go.mod': mod }), ['golang/github.com/a/b@v1.0.0 direct required', 'golang/github.com/new/c@v1.5.0 direct required', 'golang/golang.org/x/text@v0.3.5 transitive required']);
  assert.match((await read({ 'go.mod': mod })).warnings.join(), /github.com\/local\/d is replaced by a local folder/);
});
others('composer.lock: the checksum of the archive', async () => {
  const { components } = await read({ 'composer.lock': JSON.stringify({ packages: [{ name: 'a/b', version: 'v1.0', dist: { shasum: 'ab'.repeat(20) } }, { name: 'a/c', version: '1.0', dist: { shasum: '' } }] }) });
  assert.equal(components.map(({ hashes }) => hashes), [{ 'SHA-1': 'ab'.repeat(20) }, {}]);
});

const encodings = suite('encodings');
encodings('UTF-8 and UTF-16 with a mark, and Latin-1 of XML, are read; what is neither is a warning', async () => {
  const utf16 = (text: string, isLittle: boolean): Uint8Array => {
    const data = Buffer.from(`\uFEFF${text}`, 'utf16le');
    return isLittle ? data : data.swap16();
  };
  assert.equal(await lines({ 'requirements.txt': utf16('six==1.16.0\r\n', true), 'b/requirements.txt': utf16('idna==3.4\r\n', false), 'c/requirements.txt': '\uFEFFflask==2.0.1\n' }), ['pypi/flask@2.0.1 ? required', 'pypi/idna@3.4 ? required', 'pypi/six@1.16.0 ? required']);
  const pom = Buffer.from(`<?xml version="1.0" encoding="ISO-8859-1"?>${project('\u00fc', `<dependencies>${dependency('g', 'a', '<version>1</version>')}</dependencies>`)}`, 'latin1');
  assert.equal(await lines({ 'pom.xml': pom }), ['maven/g/a@1 direct required']);
  const { components, warnings } = await read({ 'requirements.txt': Uint8Array.of(0x73, 0xff, 0xfe), 'b/requirements.txt': 'six==1.16.0' });
  assert.equal([components.length, warnings.length], [1, 1]);
  assert.match(warnings[0] ?? '', /^requirements\.txt could not be read/);
});

const sizes = suite('large lock files');
const COUNT = 20_000;
const all = (line: (index: number) => string): string => Array.from({ length: COUNT }, (_, index) => line(index)).join('');
const next = (index: number): number => (index + 1) % COUNT;
for (const [name, text] of [
  ['pnpm-lock.yaml', `lockfileVersion: '9.0'\npackages:\n${all((index) => `  p${index}@1.0.0:\n    resolution: {integrity: sha512-${'a'.repeat(86)}==}\n`)}snapshots:\n${all((index) => `  p${index}@1.0.0:\n    dependencies:\n      p${next(index)}: 1.0.0\n`)}`],
  ['yarn.lock', `__metadata:\n  version: 8\n\n${all((index) => `"p${index}@npm:^1":\n  version: 1.0.0\n  resolution: "p${index}@npm:1.0.0"\n  dependencies:\n    p${next(index)}: "npm:^1"\n\n`)}`],
  ['pubspec.lock', `packages:\n${all((index) => `  p${index}:\n    dependency: transitive\n    source: hosted\n    version: "1.0.0"\n`)}`],
  ['requirements.txt', all((index) => `p${index}==1.0 \\\n    --hash=sha256:${'ab'.repeat(32)}\n    # via p${next(index)}\n`)],
  ['uv.lock', all((index) => `[[package]]\nname = "${index < COUNT / 2 ? 'same' : `p${index}`}"\nversion = "1.0.${index}"\ndependencies = [{ name = "same" }]\n\n`)],
  ['packages.lock.json', JSON.stringify({ version: 1, dependencies: { net: Object.fromEntries(Array.from({ length: COUNT }, (_, index) => [`P${index}`, index % 2 === 0 ? { type: 'Transitive', resolved: '1.0.0', dependencies: { [`P${next(index)}`]: '1' } } : { type: 'Project', dependencies: { [`P${next(index)}`]: '1' } }])) } })],
] as const) {
  sizes(`${name} of ${COUNT} entries takes seconds at most, whatever leads where`, async () => {
    const since = process.cpuUsage();
    const { components, warnings } = await read({ [name]: text });
    const { user } = process.cpuUsage(since);
    assert.equal(warnings, []);
    assert.ok(components.length >= COUNT / 2, `${components.length} components`);
    assert.ok(user < 5_000_000, `${user / 1000} ms of CPU`);
  });
}
sizes('more lock files than any source has are refused', async () => {
  const error = await detect(Array.from({ length: 5001 }, (_, index) => ({ path: `a${index}/go.mod`, data: bytes('module m\n') }))).catch((reason: unknown) => reason);
  assert.match(String(error), /more than 5000 lock files/);
});

const yaml = suite('parseLockYaml');
/** Scalars of the real parser as text, as ours leaves them. */
const asText = (value: unknown): unknown => (Array.isArray(value) ? value.map(asText) : typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, asText(one)])) : typeof value === 'number' ? `${value}` : value);
for (const text of [
  'a: 1\nb:\n  c: d\n  e:\n    f: "g: h"\n\n# comment\ni: \'it\'\'s\' # why\n', 'a:\n- b\n- c: d\n  e: f\n-   - g\n    - h\ni:\n  - j\n', "'@s/a@1.0.0(p@1)':\n  resolution: {integrity: sha512-a==, tarball: https://x/y.tgz}\n  engines: {node: '>=10', npm: \"~1\"}\n  cpu: [x64, '!arm']\n  empty: {}\n  none: []\n",
  'a: >-\n  folded\n  text\nb: |\n  kept\nc: d\n', 'a: b\n  c\n  d\ne: f\n', '"a, b@npm:^1, c@npm:>=2 <3":\n  version: x\n', '? "long key"\n: f\n', 'x:\n  ? long(key)(peer@1)\n  : a: b\n    c:\n      d: e\n    f: {g: h}\n  i: j\n', 'a: {b: {c: [d, {e: f}]}, g: }\n', 'a: true\nb: false\nc: null\nd: ~\ne:\nf: "true"\n', 'url: http://x:80/#y\ntime: 10:20\n', '---\na: b\n', 'a: "x\\u00e9\\n\\"y"\n', 'a: b\r\nc:\r\n  d: e\r\n',
]) {
  yaml(`reads as the full parser does: ${JSON.stringify(text.slice(0, 40))}`, () => {
    const expected = asText(parse(text));
    const found = parseLockYaml(text);
    for (const value of [expected, found]) if (typeof value === 'object' && value !== null && 'b' in value && value.b === 'kept\n') Object.assign(value, { b: 'kept' });
    assert.equal(found, expected);
  });
}
yaml('takes the last of several documents, and leaves numbers text', () => {
  assert.equal(parseLockYaml('---\na: 1\n---\nb: 1.10\n...\n'), { b: '1.10' });
});
yaml('refuses what multiplies or is broken, in words', () => {
  for (const text of ['a: &x b', 'a: *x', 'a: !!js/function x', 'a: {b: c', 'a: "b', 'a\n', '\ta: b', 'a: b\n c: d\ne', '- a\n', Array.from({ length: 80 }, (_, depth) => `${' '.repeat(depth)}a:\n`).join(''), `a: ${'['.repeat(100)}`, 'a: [,,', 'a: {x: "y" z}', '[a, b]: c']) {
    assert.throws(() => parseLockYaml(text), (error: unknown) => error instanceof Error && error.message.length > 5, text.slice(0, 40));
  }
  assert.not.ok('polluted' in {});
  assert.equal(Object.keys(parseLockYaml('__proto__:\n  polluted: yes\na: {__proto__: {polluted: yes}}\n')), ['a']);
});
