/**
 * Packs clients/typescript as a tarball for any project on Node 20 or newer: plain JavaScript with declarations, since Node strips no types within
 * node_modules. The folder itself stays as it is, TypeScript that Node 24 runs.
 * Usage: scripts/node.sh scripts/client.ts [folder for the tarball, this one unless said]
 */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { isRecord } from '../src/core/values.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
const client = path.join(root, 'clients/typescript');
/** `lib` has nothing that Node 20 lacks; ES2024.String is there already. */
const COMPILER = {
  extends: path.join(root, 'tsconfig.json'),
  compilerOptions: { noEmit: false, declaration: true, rewriteRelativeImportExtensions: true, target: 'ES2022', lib: ['ES2023', 'ES2024.String'], rootDir: path.join(client, 'src'), outDir: 'lib', typeRoots: [path.join(root, 'node_modules/@types')] },
  include: [path.join(client, 'src')],
};
const COMMAND = `#!/usr/bin/env node
import '../lib/cli/main.js';
`;

/** Where the tarball is. @param into an existing folder */
export async function packClient(into: string): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sca-portal-client-'));
  try {
    await stage(folder);
    const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', path.resolve(into)], { cwd: folder, env: { ...process.env, npm_config_update_notifier: 'false' } });
    const packed: unknown = JSON.parse(stdout);
    const list: unknown[] = Array.isArray(packed) ? packed : isRecord(packed) ? Object.values(packed) : []; // by the version of npm
    const first = list[0];
    if (!isRecord(first) || typeof first['filename'] !== 'string') throw new Error(`npm pack answered ${stdout}`);
    return path.resolve(into, first['filename']);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What the package holds. */
async function stage(folder: string): Promise<void> {
  await writeFile(path.join(folder, 'tsconfig.json'), JSON.stringify(COMPILER));
  await run(process.execPath, [path.join(root, 'node_modules/typescript/bin/tsc'), '-p', folder]).catch((error: unknown) => {
    throw new Error(`The client does not compile:\n${isRecord(error) ? String(error['stdout']) : String(error)}`);
  });
  await mkdir(path.join(folder, 'bin'));
  await writeFile(path.join(folder, 'bin/portal.js'), COMMAND, { mode: 0o755 });
  await copyFile(path.join(client, 'README.md'), path.join(folder, 'README.md'));
  await copyFile(path.join(root, 'LICENSE'), path.join(folder, 'LICENSE'));
  await writeFile(path.join(folder, 'package.json'), `${JSON.stringify(await manifest(), null, 2)}\n`);
}

/** That of the folder, but for where things are. */
async function manifest(): Promise<object> {
  const own: unknown = JSON.parse(await readFile(path.join(client, 'package.json'), 'utf8'));
  if (!isRecord(own)) throw new Error('clients/typescript/package.json holds no object');
  const { name, version, description, license, dependencies } = own;
  return {
    name, version, description, license, type: 'module', engines: { node: '>=20.3' }, sideEffects: false,
    exports: { '.': { types: './lib/index.d.ts', default: './lib/index.js' } }, bin: { portal: 'bin/portal.js' }, files: ['bin', 'lib'], dependencies,
  };
}

if (import.meta.main) console.log(path.relative(process.cwd(), await packClient(process.argv[2] ?? '.')));
