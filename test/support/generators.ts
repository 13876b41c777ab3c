/** Clients that other people's generators make of our contract: @hey-api/openapi-ts and orval, run as their users run them. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { atEnd } from './suite.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const CONTRACT = path.join(root, 'generated/openapi.json');
const packaged = (file: string): string => path.join(root, 'node_modules', file);
const TIMEOUT_MS = 100_000;

const SIGNATURE = '(baseUrl: string, token: string, sbom: string): Promise<{ total: number | undefined; name: string | undefined; scan: string | undefined; refused: string | undefined }>';

const HEY_API_PROGRAM = `
import { client } from './hey-api/client.gen.ts';
import { createProject, createScan, listProjects } from './hey-api/sdk.gen.ts';

export async function calls${SIGNATURE} {
  client.setConfig({ baseUrl, auth: token });
  const project = await createProject({ body: { name: 'By hey-api' } });
  const list = await listProjects({ query: { q: 'By hey-api', limit: 5 } });
  const scan = await createScan({ path: { id: project.data?.id ?? '' }, body: { sbom: new Blob([sbom]), ref: 'main' } });
  const refused = await createProject({ body: { name: '' } });
  return { total: list.data?.total, name: list.data?.items[0]?.name, scan: scan.data?.kind, refused: refused.error?.type };
}
`;

const ORVAL_PROGRAM = `
import { createProject, listProjects } from './orval/portal.ts';
import { createScan } from './orval/uploads.ts';

export async function calls${SIGNATURE} {
  void baseUrl; // is in what was generated
  const init = { headers: { Authorization: \`Bearer \${token}\`, 'Content-Type': 'application/json' } };
  const project = await createProject({ name: 'By orval' }, init);
  const list = await listProjects({ q: 'By orval', limit: 5 }, init);
  const scan = await createScan(project.status === 201 ? project.data.id : '', { sbom: new Blob([sbom]), ref: 'main' }, { headers: { Authorization: \`Bearer \${token}\` } });
  const refused = await createProject({ name: '' }, init);
  const page = list.status === 200 ? list.data : undefined;
  return { total: page?.total, name: page?.items[0]?.name, scan: scan.status === 202 ? scan.data.kind : undefined, refused: refused.status === 422 ? refused.data.type : undefined };
}
`;

/**
 * Both make one function of an operation, for one media type, and prefer JSON: who uploads takes that one away. hey-api's client does both
 * all the same (`client.post`); with orval the uploads are a second client, of the same operations.
 */
const UPLOADS = "delete operation.requestBody.content['application/json'];";

const HEY_API_CONFIG = `export default {
  input: CONTRACT, output: { path: 'hey-api', module: { extension: '.ts' } }, plugins: ['@hey-api/client-fetch', '@hey-api/typescript', '@hey-api/sdk'],
  parser: { patch: { operations: { 'POST /v1/projects/{id}/scans': (operation) => { ${UPLOADS} } } } },
};
`;

const ORVAL_CONFIG = `
const output = { client: 'fetch', mode: 'single', baseUrl: BASE_URL };
const transformer = (contract) => {
  const operation = contract.paths['/v1/projects/{id}/scans'].post;
  ${UPLOADS}
  return contract;
};
export default {
  portal: { input: { target: CONTRACT }, output: { ...output, target: 'orval/portal.ts' } },
  uploads: { input: { target: CONTRACT, filters: { mode: 'include', tags: ['scans'] }, override: { transformer } }, output: { ...output, target: 'orval/uploads.ts' } },
};
`;

const TYPESCRIPT = {
  compilerOptions: { target: 'ES2024', lib: ['ES2024', 'DOM', 'DOM.Iterable'], module: 'NodeNext', strict: true, noEmit: true, allowImportingTsExtensions: true, skipLibCheck: false, types: [] },
  include: ['**/*.ts'],
};

export interface Generated {
  /** What the type checker has to say of both; empty where they are well. */
  typeErrors: () => Promise<string>;
  /** Runs the program on the portal. */
  call: (generator: 'hey-api' | 'orval', token: string, sbom: string) => Promise<unknown>;
}

/** Both, in a folder that goes with the tests. @param baseUrl of the portal that they will call */
export async function generateClients(baseUrl: string): Promise<Generated> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sca-portal-generators-'));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  await mkdir(path.join(folder, 'orval'));
  const constants = `const CONTRACT = ${JSON.stringify(CONTRACT)};\nconst BASE_URL = ${JSON.stringify(baseUrl)};\n`;
  for (const [name, config] of Object.entries({ 'hey-api.config.mjs': HEY_API_CONFIG, 'orval.config.mjs': ORVAL_CONFIG })) await writeFile(path.join(folder, name), constants + config);
  for (const [name, value] of Object.entries({ 'package.json': { type: 'module' }, 'tsconfig.json': TYPESCRIPT })) await writeFile(path.join(folder, name), JSON.stringify(value));
  for (const [name, program] of Object.entries({ 'calls-hey-api.ts': HEY_API_PROGRAM, 'calls-orval.ts': ORVAL_PROGRAM })) await writeFile(path.join(folder, name), program);
  const node = (...args: string[]): Promise<{ stdout: string }> => run(process.execPath, args, { cwd: folder, timeout: TIMEOUT_MS, maxBuffer: 16 * 1024 * 1024 });
  await Promise.all([node(packaged('@hey-api/openapi-ts/bin/run.js'), '-f', 'hey-api.config.mjs'), node(packaged('orval/dist/bin/orval.mjs'), '--config', 'orval.config.mjs')]);
  return {
    typeErrors: () => node(packaged('typescript/bin/tsc'), '-p', '.').then(({ stdout }) => stdout, (error: unknown) => (error instanceof Error && 'stdout' in error ? String(error.stdout) : String(error))),
    call: async (generator, token, sbom) => {
      const program = pathToFileURL(path.join(folder, `calls-${generator}.ts`)).href;
      const { stdout } = await node('--input-type=module', '-e', `import { calls } from '${program}'; console.log(JSON.stringify(await calls(...${JSON.stringify([baseUrl, token, sbom])})));`);
      const shown: unknown = JSON.parse(stdout);
      return shown;
    },
  };
}
