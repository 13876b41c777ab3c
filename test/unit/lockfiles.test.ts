/** Lock-file readers: small files of each format, as their tools write them; names, versions, direct, scope and edges of what comes out. */
import * as assert from 'uvu/assert';
import type { Inventory } from '../../src/core/component.ts';
import { detect, isWanted } from '../../src/scan/detect.ts';
import { suite } from '../support/suite.ts';

const read = (files: Readonly<Record<string, string>>): Promise<Inventory> => detect(Object.entries(files).filter(([path]) => isWanted(path)).map(([path, text]) => ({ path, data: new TextEncoder().encode(text) })));

/** `purl direct|transitive|? scope -> edges`, without `pkg:`. */
async function lines(files: Readonly<Record<string, string>>): Promise<string[]> {
  return (await read(files)).components.map(({ purl, direct, scope, dependsOn }) => {
    const edges = dependsOn.map((one) => one.slice(4)).join(' ');
    return `${purl.slice(4)} ${direct === null ? '?' : direct ? 'direct' : 'transitive'} ${scope}${edges === '' ? '' : ` -> ${edges}`}`;
  }).sort();
}

const npm = suite('npm');
const manifest = JSON.stringify({ dependencies: { a: '^1.0.0', alias: 'npm:real@1.0.0' }, optionalDependencies: { o: '1' }, devDependencies: { d: '1.0.0' }, workspaces: ['packages/*'] });
npm('package-lock 1: aliases, nested versions, what package.json asks for', async () => {
  const lock = { lockfileVersion: 1, dependencies: {
    a: { version: '1.0.0', requires: { b: '^2', alias: '1' }, dependencies: { b: { version: '2.0.0' } } }, b: { version: '1.0.0', dev: true }, d: { version: '1.0.0', dev: true, requires: { b: '1' } },
    alias: { version: 'npm:real@1.0.0' }, fork: { version: 'git+ssh://git@host/x.git#abc' }, o: { version: '1.0.0', optional: true },
  } };
  assert.equal(await lines({ 'package-lock.json': JSON.stringify(lock), 'package.json': manifest }), [
    'npm/a@1.0.0 direct required -> npm/b@2.0.0 npm/real@1.0.0', 'npm/b@1.0.0 transitive dev', 'npm/b@2.0.0 transitive required', 'npm/d@1.0.0 direct dev -> npm/b@1.0.0', 'npm/o@1.0.0 direct optional', 'npm/real@1.0.0 direct required',
  ]);
  assert.ok((await lines({ 'package-lock.json': JSON.stringify(lock) })).every((line) => line.includes(' ? ')));
});
npm('package-lock 3: aliases, workspaces, links, the nearest node_modules', async () => {
  const packages = {
    '': { dependencies: { a: '1' }, workspaces: ['packages/*'] }, 'packages/w': { version: '9.0.0', dependencies: { b: '2' }, devDependencies: { alias: 'npm:@s/real@1' } }, 'node_modules/w': { resolved: 'packages/w', link: true },
    'node_modules/a': { version: '1.0.0', dependencies: { b: '1' }, license: 'MIT' }, 'node_modules/b': { version: '1.0.0' }, 'packages/w/node_modules/b': { version: '2.0.0' },
    'node_modules/alias': { name: '@s/real', version: '1.0.0', dev: true, integrity: `sha512-${Buffer.from('x').toString('base64')}` }, 'node_modules/both': { version: '1.0.0', devOptional: true },
  };
  const files = { 'package-lock.json': JSON.stringify({ lockfileVersion: 3, packages }) };
  assert.equal(await lines(files), ['npm/%40s/real@1.0.0 direct dev', 'npm/a@1.0.0 direct required -> npm/b@1.0.0', 'npm/b@1.0.0 transitive required', 'npm/b@2.0.0 direct required', 'npm/both@1.0.0 transitive optional']);
  assert.equal((await read(files)).components.find(({ name }) => name === 'real')?.hashes, { 'SHA-512': '78' });
});
const yarnExpected = ['npm/a@1.0.0 direct required -> npm/b@2.0.0 npm/f@1.0.0', 'npm/b@2.0.0 transitive required', 'npm/c@1.0.0 transitive dev', 'npm/d@1.0.0 direct dev -> npm/c@1.0.0', 'npm/f@1.0.0 transitive optional', 'npm/real@1.0.0 direct required'];
npm('yarn 1: aliases, optional edges, scopes by reach', async () => {
  const lock = '# yarn lockfile v1\n\na@^1.0.0:\n  version "1.0.0"\n  resolved "https://x/a.tgz#00"\n  dependencies:\n    b "^2.0.0"\n  optionalDependencies:\n    f "~1.0.0"\n\n"alias@npm:real@1.0.0":\n  version "1.0.0"\n\nb@^2.0.0, b@^2.0.1:\n  version "2.0.0"\n\nc@*:\n  version "1.0.0"\n\nd@1.0.0:\n  version "1.0.0"\n  dependencies:\n    c "*"\n\nf@~1.0.0:\n  version "1.0.0"\n';
  assert.equal(await lines({ 'yarn.lock': lock, 'package.json': manifest }), yarnExpected);
});
npm('yarn berry: resolutions, patches, workspaces', async () => {
  const lock = `__metadata:\n  version: 8\n\n"a@npm:^1.0.0":\n  version: 1.0.0\n  resolution: "a@npm:1.0.0"\n  dependencies:\n    b: "npm:^2.0.0"\n    f: "npm:~1.0.0"\n  dependenciesMeta:\n    f:\n      optional: true\n
"alias@npm:real@1.0.0":\n  version: 1.0.0\n  resolution: "real@npm:1.0.0"\n\n"b@npm:^2.0.0":\n  version: 2.0.0\n  resolution: "b@npm:2.0.0"\n\n"c@npm:*":\n  version: 1.0.0\n  resolution: "c@npm:1.0.0"\n
"d@npm:1.0.0":\n  version: 1.0.0\n  resolution: "d@npm:1.0.0"\n  dependencies:\n    c: "npm:*"\n\n"f@patch:f@npm%3A~1.0.0#optional!builtin<compat/f>":\n  version: 1.0.0\n  resolution: "f@patch:f@npm%3A1.0.0#x"\n\n"f@npm:~1.0.0":\n  version: 1.0.0\n  resolution: "f@npm:1.0.0"\n\n"root@workspace:.":\n  version: 0.0.0-use.local\n  resolution: "root@workspace:."\n`;
  assert.equal(await lines({ 'yarn.lock': lock, 'package.json': manifest }), yarnExpected);
});
const pnpmExpected = ['npm/%40s/a@1.0.0 direct required -> npm/b@2.0.0 npm/f@1.0.0', 'npm/b@2.0.0 transitive required', 'npm/c@1.0.0 transitive dev', 'npm/d@1.0.0 direct dev -> npm/c@1.0.0', 'npm/f@1.0.0 transitive optional', 'npm/real@1.0.0 direct required'];
npm('pnpm 5, 6 and 9: peers, aliases, scopes', async () => {
  const five = "lockfileVersion: 5.4\ndependencies:\n  '@s/a': 1.0.0_react@16.0.0\n  alias: /real/1.0.0\n  local: link:../local\ndevDependencies:\n  d: 1.0.0\npackages:\n  /@s/a/1.0.0_react@16.0.0:\n    dependencies: {b: 2.0.0}\n    optionalDependencies: {f: 1.0.0}\n  /b/2.0.0: {}\n  /real/1.0.0: {}\n  /d/1.0.0:\n    dependencies: {c: 1.0.0}\n    dev: true\n  /c/1.0.0: {dev: true}\n  /f/1.0.0: {optional: true}\n";
  const six = "lockfileVersion: '6.0'\ndependencies:\n  '@s/a': {specifier: ^1, version: 1.0.0(react@16.0.0)}\n  alias: {specifier: 'npm:real@1', version: /real@1.0.0}\ndevDependencies:\n  d: {specifier: '1', version: 1.0.0}\npackages:\n  /@s/a@1.0.0(react@16.0.0):\n    dependencies: {b: 2.0.0}\n    optionalDependencies: {f: 1.0.0}\n  /b@2.0.0: {}\n  /real@1.0.0: {}\n  /d@1.0.0:\n    dependencies: {c: 1.0.0}\n  /c@1.0.0: {}\n  /f@1.0.0: {optional: true}\n";
  const nine = "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      '@s/a': {specifier: ^1, version: 1.0.0(react@16.0.0)}\n      alias: {specifier: 'npm:real@1', version: real@1.0.0}\n  packages/w:\n    devDependencies:\n      d: {specifier: '1', version: 1.0.0}\npackages:\n  '@s/a@1.0.0': {resolution: {integrity: sha512-eA==}}\n  b@2.0.0: {}\n  real@1.0.0: {}\n  d@1.0.0: {}\n  c@1.0.0: {}\n  f@1.0.0: {}\nsnapshots:\n  '@s/a@1.0.0(react@16.0.0)':\n    dependencies: {b: 2.0.0}\n    optionalDependencies: {f: 1.0.0}\n  b@2.0.0: {}\n  real@1.0.0: {}\n  d@1.0.0:\n    dependencies: {c: 1.0.0}\n  c@1.0.0: {}\n  f@1.0.0: {optional: true}\n";
  for (const lock of [five, six, nine]) assert.equal(await lines({ 'pnpm-lock.yaml': lock }), pnpmExpected, lock.slice(0, 25));
});

const python = suite('Python');
python('poetry 1 and 2, with pyproject.toml', async () => {
  const two = '[[package]]\nname = "Flask"\nversion = "2.3.0"\ngroups = ["main"]\n[package.dependencies]\nWerkzeug = ">=2"\n\n[[package]]\nname = "werkzeug"\nversion = "2.3.1"\ngroups = ["main"]\n\n[[package]]\nname = "pytest"\nversion = "8.0.0"\ngroups = ["dev"]\n';
  assert.equal(await lines({ 'poetry.lock': two }), ['pypi/flask@2.3.0 ? required -> pypi/werkzeug@2.3.1', 'pypi/pytest@8.0.0 ? dev', 'pypi/werkzeug@2.3.1 ? required']);
  const project = '[tool.poetry.dependencies]\npython = "^3.10"\nflask = "^2"\n[tool.poetry.group.dev.dependencies]\npytest = "^8"\n';
  const expected = ['pypi/flask@2.3.0 direct required -> pypi/werkzeug@2.3.1', 'pypi/pytest@8.0.0 direct dev', 'pypi/werkzeug@2.3.1 transitive required'];
  assert.equal(await lines({ 'poetry.lock': two, 'pyproject.toml': project }), expected);
  assert.equal(await lines({ 'poetry.lock': two.replaceAll(/groups.*\n/g, ''), 'pyproject.toml': '[project]\ndependencies = ["Flask[async]>=2"]\n[dependency-groups]\ndev = ["pytest"]\n' }), expected);
});
python('uv: own members, extras, groups', async () => {
  const lock = 'version = 1\n[[package]]\nname = "shop"\nversion = "1.0.0"\nsource = { editable = "." }\ndependencies = [{ name = "requests", extra = ["socks"] }]\n[package.optional-dependencies]\npg = [{ name = "psycopg2" }]\n[package.dev-dependencies]\ndev = [{ name = "pytest" }]\n\n[[package]]\nname = "requests"\nversion = "2.31.0"\nsource = { registry = "https://pypi.org/simple" }\n[package.optional-dependencies]\nsocks = [{ name = "pysocks" }]\n\n[[package]]\nname = "pysocks"\nversion = "1.7.1"\n\n[[package]]\nname = "psycopg2"\nversion = "2.9.0"\n\n[[package]]\nname = "pytest"\nversion = "8.0.0"\n';
  assert.equal(await lines({ 'uv.lock': lock }), ['pypi/psycopg2@2.9.0 direct optional', 'pypi/pysocks@1.7.1 transitive required', 'pypi/pytest@8.0.0 direct dev', 'pypi/requests@2.31.0 direct required -> pypi/pysocks@1.7.1']);
});
python('Pipfile.lock with its Pipfile', async () => {
  const lock = JSON.stringify({ default: { Flask: { version: '==2.0.1' }, click: { version: '==8.0.0' }, fork: { git: 'https://x' } }, develop: { pytest: { version: '==8.0.0' } } });
  const files = { 'Pipfile.lock': lock, Pipfile: '[packages]\nflask = "*"\n[dev-packages]\npytest = "*"\n' };
  assert.equal(await lines(files), ['pypi/click@8.0.0 transitive required', 'pypi/flask@2.0.1 direct required', 'pypi/pytest@8.0.0 direct dev']);
  assert.match((await read(files)).warnings.join(), /1 dependencies from git/);
});
python('requirements: hashes, markers, extras, includes, constraints, pip-compile comments', async () => {
  const files = {
    'requirements.txt': '--index-url https://x\n-r requirements/base.txt\n-r more/pins.requirements.txt\n-r missing.txt\n-c constraints.txt\nFlask[async]==2.0.1 ; python_version > "3" \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n    # via -r requirements.in\nclick==8.0.0  # via flask\nitsdangerous==2.0.0\n    # via\n    #   flask\n    #   click\njinja2\nloose>=1\nurl @ https://x/y.whl\nwild==1.*\n-e .\n',
    'requirements/base.txt': 'six==1.16.0\n', 'more/pins.requirements.txt': 'idna===3.4\n', 'constraints.txt': 'jinja2==3.1.2\nunused==1.0\n', 'dev-requirements.txt': 'black==23.1.0',
  };
  assert.equal(await lines(files), [
    'pypi/black@23.1.0 ? dev', 'pypi/click@8.0.0 transitive required -> pypi/itsdangerous@2.0.0', 'pypi/flask@2.0.1 direct required -> pypi/click@8.0.0 pypi/itsdangerous@2.0.0', 'pypi/idna@3.4 ? required', 'pypi/itsdangerous@2.0.0 transitive required', 'pypi/jinja2@3.1.2 ? required', 'pypi/six@1.16.0 ? required',
  ]);
  assert.match((await read(files)).warnings.join('\n'), /3 requirements without a pinned version were passed over: loose, url, wild/);
  assert.match((await read(files)).warnings.join('\n'), /includes missing.txt, which was not found/);
});

const java = suite('Java');
java('pom.xml: properties, parents in the source, managed versions, modules', async () => {
  const parent = '<project><groupId>com.acme</groupId><artifactId>parent</artifactId><version>3.0</version><properties><jackson.version>2.14.0</jackson.version><lib>1.0</lib></properties><dependencyManagement><dependencies><dependency><groupId>com.fasterxml.jackson.core</groupId><artifactId>jackson-databind</artifactId><version>${jackson.version}</version></dependency><dependency><groupId>junit</groupId><artifactId>junit</artifactId><version>4.13</version><scope>test</scope></dependency></dependencies></dependencyManagement><dependencies><dependency><groupId>org.slf4j</groupId><artifactId>slf4j-api</artifactId><version>2.0.0</version></dependency></dependencies></project>';
  const dep = (group: string, artifact: string, more = ''): string => `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId>${more}<exclusions><exclusion><groupId>x</groupId><artifactId>y</artifactId></exclusion></exclusions></dependency>`;
  const child = `<project><parent><groupId>com.acme</groupId><artifactId>parent</artifactId><version>3.0</version></parent><artifactId>api</artifactId><properties><lib>1.1</lib></properties><dependencies>${dep('com.fasterxml.jackson.core', 'jackson-databind')}${dep('junit', 'junit')}${dep('${project.groupId}', 'core', '<version>${project.version}</version>')}${dep('g', 'lib', '<version>${lib}</version><scope>provided</scope>')}${dep('g', 'range', '<version>[1,2)</version>')}${dep('g', 'pinned', '<version>[1.5]</version><optional>true</optional>')}${dep('g', 'bom-managed')}</dependencies></project>`;
  const core = '<project><parent><groupId>com.acme</groupId><artifactId>parent</artifactId><version>3.0</version></parent><artifactId>core</artifactId></project>';
  const files = { 'pom.xml': parent, 'api/pom.xml': child, 'core/pom.xml': core };
  assert.equal(await lines(files), ['maven/com.fasterxml.jackson.core/jackson-databind@2.14.0 direct required', 'maven/g/lib@1.1 direct excluded', 'maven/g/pinned@1.5 direct optional', 'maven/junit/junit@4.13 direct dev', 'maven/org.slf4j/slf4j-api@2.0.0 direct required']);
  assert.equal((await read(files)).warnings, ['api/pom.xml: the versions of 2 dependencies do not stand in the source: g:range, g:bom-managed']);
});
java('gradle.lockfile, and the older one for each configuration', async () => {
  assert.equal(await lines({ 'gradle.lockfile': '# comment\ng:a:1.0=compileClasspath,testCompileClasspath\ng:t:1.0=testRuntimeClasspath\nempty=annotationProcessor\n', 'buildscript-gradle.lockfile': 'g:plugin:1.0=classpath\n', 'gradle/dependency-locks/compileClasspath.lockfile': 'h:b:2.0\n' }), [
    'maven/g/a@1.0 ? required', 'maven/g/plugin@1.0 ? dev', 'maven/g/t@1.0 ? dev', 'maven/h/b@2.0 ? required',
  ]);
});

const others = suite('other ecosystems');
others('NuGet: packages.lock.json with edges through projects', async () => {
  const lock = { version: 1, dependencies: { 'net8.0': {
    Newtonsoft: { type: 'Direct', requested: '[13.0.1, )', resolved: '13.0.1', contentHash: 'eA==', dependencies: { 'system.text': '4.0' } }, 'System.Text': { type: 'Transitive', resolved: '4.0.1' }, 'my.lib': { type: 'Project', dependencies: { 'System.Text': '[4,)' } },
    Uses: { type: 'Direct', resolved: '1.0.0', dependencies: { 'My.Lib': '1' } },
  } } };
  assert.equal(await lines({ 'a/packages.lock.json': JSON.stringify(lock), 'a/a.csproj': '<Project><ItemGroup><PackageReference Include="Other" Version="1.0.0"/></ItemGroup></Project>' }), [
    'nuget/Newtonsoft@13.0.1 direct required -> nuget/System.Text@4.0.1', 'nuget/System.Text@4.0.1 transitive required', 'nuget/Uses@1.0.0 direct required -> nuget/System.Text@4.0.1',
  ]);
});
others('NuGet: project files, central versions, packages.config', async () => {
  const files = {
    'src/a/a.csproj': '<Project Sdk="x"><PropertyGroup><V>1.5.0</V></PropertyGroup><ItemGroup><PackageReference Include="A" Version="$(V)"/><PackageReference Include="B"><Version>[2.0.0]</Version><PrivateAssets>all</PrivateAssets></PackageReference><PackageReference Include="C"/><PackageReference Include="D" Version="1.*"/><PackageReference Update="E" Version="1"/></ItemGroup></Project>',
    'Directory.Packages.props': '<Project><ItemGroup><PackageVersion Include="c" Version="3.0.0"/></ItemGroup></Project>', 'old/packages.config': '<packages><package id="J" version="1.9.1"/><package id="K" version="1.0" developmentDependency="true"/></packages>',
  };
  assert.equal(await lines(files), ['nuget/A@1.5.0 direct required', 'nuget/B@2.0.0 direct dev', 'nuget/C@3.0.0 direct required', 'nuget/J@1.9.1 ? required', 'nuget/K@1.0 ? dev']);
  assert.match((await read(files)).warnings.join(), /1 packages without one version were passed over: D/);
});
others('Dart, Elixir and Swift', async () => {
  assert.equal(await lines({ 'pubspec.lock': 'packages:\n  http:\n    dependency: "direct main"\n    description: {name: http, sha256: aa, url: "https://pub.dev"}\n    source: hosted\n    version: "1.1.0"\n  lints: {dependency: "direct dev", source: hosted, version: "2.0.0"}\n  meta: {dependency: transitive, source: hosted, version: "1.9.0"}\n  flutter: {dependency: "direct main", source: sdk, version: "0.0.0"}\n' }), ['pub/http@1.1.0 direct required', 'pub/lints@2.0.0 direct dev', 'pub/meta@1.9.0 transitive required']);
  const mix = '%{\n  "credo": {:hex, :credo, "1.7.0", "aa", [:mix], [{:jason, "~> 1.0", [hex: :jason, repo: "hexpm", optional: false]}], "hexpm", "bb"},\n  "jason": {:hex, :jason, "1.4.0", "aa", [:mix], [], "hexpm", "bb"},\n  "plug": {:hex, :plug, "1.14.0", "aa", [:mix], [{:jason, "~> 1.0", [hex: :jason, repo: "hexpm", optional: true]}], "hexpm", "bb"},\n  "fork": {:git, "https://x", "abc", []},\n}\n';
  assert.equal(await lines({ 'mix.lock': mix, 'mix.exs': 'defp deps do\n [\n {:plug, "~> 1.14"},\n # {:jason, "~> 1.0"},\n {:credo, "~> 1.7", only: [:dev, :test], runtime: false}\n]\nend' }), ['hex/credo@1.7.0 direct dev -> hex/jason@1.4.0', 'hex/jason@1.4.0 transitive required', 'hex/plug@1.14.0 direct required -> hex/jason@1.4.0']);
  assert.equal(await lines({ 'Package.resolved': JSON.stringify({ version: 2, pins: [{ identity: 'alamofire', location: 'https://github.com/Alamofire/Alamofire.git', state: { version: '5.4.3' } }, { identity: 'x', location: 'git@GitHub.com:a/x.git', state: { branch: 'main', revision: 'abc' } }] }) }), ['swift/github.com/Alamofire/Alamofire@5.4.3 ? required', 'swift/github.com/a/x@abc ? required']);
  assert.equal(await lines({ 'Package.resolved': JSON.stringify({ version: 1, object: { pins: [{ package: 'N', repositoryURL: 'https://github.com/a/N', state: { version: '1.0.0' } }] } }) }), ['swift/github.com/a/N@1.0.0 ? required']);
});
others('Go: go.sum counts only where go.mod does not list all modules', async () => {
  const sum = 'golang.org/x/text v0.3.0 h1:a=\ngolang.org/x/text v0.3.7/go.mod h1:a=\ngolang.org/x/text v0.3.2 h1:a=\ngithub.com/a/b v1.0.0 h1:a=\n';
  assert.equal(await lines({ 'go.mod': 'module m\n\ngo 1.16\n\nrequire github.com/a/b v1.0.0\n', 'go.sum': sum }), ['golang/github.com/a/b@v1.0.0 direct required', 'golang/golang.org/x/text@v0.3.2 transitive required']);
  assert.equal(await lines({ 'go.mod': 'module m\n\ngo 1.17\n\nrequire github.com/a/b v1.0.0\n', 'go.sum': sum }), ['golang/github.com/a/b@v1.0.0 direct required']);
  assert.equal(await lines({ 'go.sum': sum }), ['golang/github.com/a/b@v1.0.0 ? required', 'golang/golang.org/x/text@v0.3.2 ? required']);
});
others('Composer: edges, also to what is provided, and what composer.json asks for', async () => {
  const lock = { packages: [{ name: 'a/app', version: 'v1.0.0', require: { php: '>=8', 'psr/log-implementation': '1.0' }, license: ['MIT'] }, { name: 'm/log', version: '2.0.0', provide: { 'psr/log-implementation': '1.0' } }], 'packages-dev': [{ name: 't/unit', version: '9.0.0' }] };
  assert.equal(await lines({ 'composer.lock': JSON.stringify(lock), 'composer.json': '{"require":{"A/app":"^1"},"require-dev":{"t/unit":"*"}}' }), ['composer/a/app@1.0.0 direct required -> composer/m/log@2.0.0', 'composer/m/log@2.0.0 transitive required', 'composer/t/unit@9.0.0 direct dev']);
});
others('GitHub workflows: actions by tag and by commit, no local or docker ones', async () => {
  const workflow = `jobs:\n  a:\n    steps:\n      - uses: actions/checkout@v4\n      - uses: "github/codeql-action/init@v3"\n      - name: x\n        uses: pinned/action@${'a'.repeat(40)} # v1.2.3\n      - uses: ./local\n      - uses: docker://alpine:3\n`;
  assert.equal(await lines({ '.github/workflows/ci.yml': workflow, 'docs/workflows/ci.yml': workflow }), ['githubactions/actions/checkout@v4 direct dev', 'githubactions/github/codeql-action@v3 direct dev', 'githubactions/pinned/action@v1.2.3 direct dev']);
});

const bad = suite('detect');
bad('a broken file is a warning, whatever its format, and the others count', async () => {
  for (const name of ['package-lock.json', 'yarn.lock', 'pnpm-lock.yaml', 'poetry.lock', 'uv.lock', 'Pipfile.lock', 'pom.xml', 'go.mod', 'Cargo.lock', 'composer.lock', 'packages.lock.json', 'a.csproj', 'packages.config', 'pubspec.lock', 'mix.lock', 'Package.resolved']) {
    for (const text of ['  \u0000{{{<<<[', '[1,', '<!DOCTYPE x [<!ENTITY a "b">]><project>&a;</project>', '[]', 'null', '']) {
      assert.equal(await lines({ [name]: text, 'z/requirements.txt': 'six==1.16.0\n' }), ['pypi/six@1.16.0 ? required'], `${name} ${text}`);
    }
  }
});
bad('what a path leaves out or leads out of is not read', async () => {
  assert.equal(await lines({ 'node_modules/x/package-lock.json': '{"lockfileVersion":3,"packages":{"node_modules/a":{"version":"1"}}}', 'requirements.txt': '-r ../../etc/passwd\n-r /etc/passwd\nsix==1.0' }), ['pypi/six@1.0 ? required']);
});
