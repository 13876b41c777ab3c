/** The command line where it comes to no result: exit code 2, and what to do about it. */
import * as assert from 'uvu/assert';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { issueKey } from '../support/api-keys.ts';
import { runCli, SLOW, toldWhy } from '../support/cli.ts';
import { member } from '../support/contract.ts';
import { SMALL_SBOM } from '../support/fixtures.ts';
import { tempFolder } from '../support/git.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, queuedScan } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { portal, admin, database } = await startTestPortal({ MAX_UPLOAD_BYTES: '1048576' });
const root = await tempFolder();
const key = await issueKey(admin, { scope: 'org' });
const ENV = { PORTAL_URL: portal.url, PORTAL_API_KEY: key.text };
const good = path.join(root, 'good.cdx.json');
await writeFile(good, SMALL_SBOM);

const slugOf = async (id: string): Promise<string> => String(member((await admin.expect(200, 'getProject', { path: { id } })).body, 'slug'));
const says = async (pattern: RegExp, project: string, args: readonly string[], env: Record<string, string> = {}): Promise<void> =>
  toldWhy(await runCli(args, { ...ENV, PORTAL_PROJECT: project, ...env }, { cwd: root }), pattern);

/** Where nobody listens. */
async function closedAddress(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
}

const none = suite('no result is exit code 2, with what to do');
none('wrong use', async () => {
  await says(/Unknown option '--nothing'[\s\S]*portal scan --help/, 'x', ['scan', '--nothing']);
  await says(/'explode' is no command/, 'x', ['explode']);
  await says(/Give the id or slug of the project by PORTAL_PROJECT or --project/, '', ['scan']);
  await says(/Give the address of the portal by PORTAL_URL/, 'x', ['scan'], { PORTAL_URL: '' });
  await says(/'portal\.example\.com' is not an address/, 'x', ['scan'], { PORTAL_URL: 'portal.example.com' });
  await says(/--format takes table, json, sarif, junit, not 'xml'/, 'x', ['scan', '--format', 'xml']);
  await says(/--timeout takes a whole number from 1/, 'x', ['scan', '--timeout', 'soon']);
}, SLOW);
none('a key that is not known or may not do it, a project that is not there', async () => {
  await says(/Unauthorized \(401\)[\s\S]*Is PORTAL_API_KEY the whole key[\s\S]*Request id: /, 'x', ['scan'], { PORTAL_API_KEY: 'tos_nobody00_00000000000000000000000000000000' });
  const id = await newProject(admin);
  const reader = await issueKey(admin, { scope: 'org', allowed_actions: ['project:read'] });
  await says(/lacks required action 'scan:trigger'[\s\S]*Give the key this action/, id, ['scan', good], { PORTAL_API_KEY: reader.text });
  const slug = await slugOf(id);
  await says(new RegExp(`no project with the slug '${slug.slice(0, -1)}'.*Did you mean ${slug}`), slug.slice(0, -1), ['scan', good]);
  await says(/Not Found \(404\)[\s\S]*Is --project right/, crypto.randomUUID(), ['gate']);
  await says(/Not Found \(404\)[\s\S]*Is --url \(PORTAL_URL\) right\? .*without \/v1/, id, ['gate'], { PORTAL_URL: `${ENV.PORTAL_URL}/v1` });
}, SLOW);
none('input that is missing, too large or of no kind that is known; a scan that fails', async () => {
  const id = await newProject(admin);
  await says(/'.*nowhere' does not exist/, id, ['scan', 'nowhere']);
  const odd = path.join(root, 'odd.bin');
  await writeFile(odd, Buffer.from([1, 2, 3, 4]));
  await says(/neither an archive .* nor an SBOM/, id, ['scan', odd]);
  const json = path.join(root, 'other.json');
  await writeFile(json, '{"hello": "world"}');
  await says(/Unsupported SBOM \(422\)[\s\S]*Send CycloneDX/, id, ['scan', json]);
  const large = path.join(root, 'large');
  await mkdir(large);
  await writeFile(path.join(large, 'noise'), Buffer.concat(Array.from({ length: 40 }, () => crypto.getRandomValues(Buffer.alloc(65_536)))));
  await says(/is larger than 1 MiB when packed[\s\S]*--max-size/, id, ['scan', large, '--max-size', '1']);
  await says(/Payload Too Large \(413\)[\s\S]*MAX_UPLOAD_BYTES/, id, ['scan', large]);
  const empty = path.join(root, 'empty');
  await mkdir(empty);
  await says(/holds no files to scan/, id, ['scan', empty]);
  const broken = path.join(root, 'broken.zip');
  await writeFile(broken, Buffer.concat([Buffer.from('PK\u0003\u0004'), Buffer.alloc(100)]));
  await says(/The scan \S+ failed: /, id, ['scan', broken]);
}, SLOW);
none('a portal that is not there, one that takes too long, and Ctrl-C', async () => {
  await says(/could not be reached: .*ECONNREFUSED[\s\S]*Is --url \(PORTAL_URL\) right/, crypto.randomUUID(), ['gate'], { PORTAL_URL: await closedAddress() });
  const id = await newProject(admin);
  await queuedScan(database, id, 'main');
  await says(/There is no result after 1 s\.[\s\S]*--timeout/, id, ['scan', good, '--ref', 'main', '--timeout', '1']);
  const { code, stderr } = await runCli(['scan', good, '--ref', 'main'], { ...ENV, PORTAL_PROJECT: id }, { onError: (piece, kill) => {
    if (piece.includes('% queued')) kill('SIGINT');
  } });
  assert.is(code, 2);
  assert.match(stderr, /Interrupted\./);
}, SLOW);
none('a project without a scan', async () => says(/has no scan that succeeded: run `portal scan`/, await newProject(admin), ['gate']), SLOW);
