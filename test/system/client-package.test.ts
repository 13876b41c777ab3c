/** The tarball of the client: installed into a project of its own without a network, its command runs and the README's sample compiles. */
import { execFile } from 'node:child_process';
import { mkdtemp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as assert from 'uvu/assert';
import { isRecord } from '../../src/core/values.ts';
import { packClient } from '../../scripts/client.ts';
import { member } from '../support/contract.ts';
import { atEnd, suite } from '../support/suite.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const client = path.join(root, 'clients/typescript');
const SLOW = { timeoutMs: 120_000 };

const folder = await mkdtemp(path.join(tmpdir(), 'sca-portal-package-'));
atEnd(() => rm(folder, { recursive: true, force: true }));
const project = path.join(folder, 'project');
const installed = path.join(project, 'node_modules/@trustedoss/portal-client');
const json = async (file: string): Promise<unknown> => JSON.parse(await readFile(file, 'utf8'));

/** npm without a network, without a cache of anybody's and without scripts. */
const npm = (cwd: string, ...args: string[]): Promise<{ stdout: string }> =>
  run('npm', [...args, '--offline', '--ignore-scripts', '--no-audit', '--no-fund', '--cache', path.join(folder, 'cache')], { cwd, maxBuffer: 16 * 1024 * 1024 });

/** Tarballs of what the client needs, made of what is installed here: by name. */
async function dependencies(): Promise<Record<string, string>> {
  const packages = member(await json(path.join(client, 'package-lock.json')), 'packages');
  const names = isRecord(packages) ? Object.keys(packages).filter((place) => place !== '').map((place) => place.replace('node_modules/', '')) : [];
  const { stdout } = await npm(folder, 'pack', '--json', ...names.map((name) => path.join(root, 'node_modules', name)));
  const packed: unknown = JSON.parse(stdout);
  const list: unknown[] = Array.isArray(packed) ? packed : isRecord(packed) ? Object.values(packed) : [];
  return Object.fromEntries(list.map((entry) => [String(member(entry, 'name')), `file:${path.join(folder, String(member(entry, 'filename')))}`]));
}

const packed = suite('the packed client');
packed.before(async () => {
  const tarball = await packClient(folder);
  await mkdir(project);
  await writeFile(path.join(project, 'package.json'), JSON.stringify({ type: 'module', dependencies: { ...(await dependencies()), '@trustedoss/portal-client': `file:${tarball}` } }));
  await npm(project, 'install');
});
packed('has plain JavaScript with declarations, and nothing of the sources', async () => {
  const manifest = await json(path.join(installed, 'package.json'));
  const own = await json(path.join(client, 'package.json'));
  for (const name of ['name', 'version', 'license', 'dependencies']) assert.equal(member(manifest, name), member(own, name), name);
  const text = await readFile(path.join(installed, 'lib/client.js'), 'utf8');
  assert.not.match(text, /from ['"]\.[^'"]*\.ts['"]|: string/);
  assert.match(text, /from ['"]\.\/transport\.js['"]/);
});
packed('portal --version and --help run by the name that npm links', async () => {
  const portal = path.join(project, 'node_modules/.bin/portal');
  const environment = { env: { PATH: `${path.dirname(process.execPath)}:${process.env['PATH'] ?? ''}` }, cwd: project };
  assert.is((await run(portal, ['--version'], environment)).stdout.trim(), String(member(await json(path.join(root, 'generated/openapi.json')), 'info', 'version')));
  assert.match((await run(portal, ['scan', '--help'], environment)).stdout, /^portal scan \[path\]/);
});
packed('is imported, and the sample of its README compiles against its declarations', async () => {
  const sample = /```ts\n([\s\S]*?)```/.exec(await readFile(path.join(installed, 'README.md'), 'utf8'))?.[1] ?? '';
  assert.match(sample, /createPortalClient/);
  await writeFile(path.join(project, 'sample.ts'), sample);
  const types = { typeRoots: [path.join(root, 'node_modules/@types')], types: ['node'] };
  await writeFile(path.join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions: { module: 'NodeNext', target: 'ES2022', strict: true, noEmit: true, skipLibCheck: false, ...types }, include: ['sample.ts'] }));
  const errors = await run(process.execPath, [path.join(root, 'node_modules/typescript/bin/tsc'), '-p', project]).then(() => '', (error: unknown) => (isRecord(error) ? String(error['stdout']) : String(error)));
  assert.is(errors, '');
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', "const { createPortalClient } = await import('@trustedoss/portal-client'); console.log(createPortalClient({ baseUrl: 'https://portal.example.com/', anonymous: true }).baseUrl)"], { cwd: project });
  assert.is(stdout.trim(), 'https://portal.example.com');
}, SLOW);
