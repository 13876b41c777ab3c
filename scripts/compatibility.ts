/**
 * Holds generated/openapi.json against the contract of the last release. `make test` runs it; it fails where clients of that release would break.
 * Usage: scripts/node.sh scripts/compatibility.ts [release]   (`release`: the present contract is released, and takes the former one's place)
 */
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import { parse } from 'yaml';
import { readAccepted, without } from './compatibility/accepted.ts';
import { lineOf } from './compatibility/changes.ts';
import { breakingChanges } from './compatibility/documents.ts';
import type { OpenApiDocument } from './generate/document.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const PRESENT = path.join(root, 'generated/openapi.json');
const RELEASED = path.join(root, 'spec/released/openapi.json');
const ACCEPTED = path.join(root, 'spec/released/accepted.yaml');

async function contract(file: string): Promise<OpenApiDocument> {
  // eslint-disable-next-line @typescript-eslint/no-unsafe-assignment -- written by our generator, whose lint has judged the shape
  const doc: OpenApiDocument = JSON.parse(await readFile(file, 'utf8'));
  return doc;
}

async function check(): Promise<string[]> {
  const [was, is] = [await contract(RELEASED), await contract(PRESENT)];
  const { left, unused } = without(readAccepted(parse(await readFile(ACCEPTED, 'utf8'))), breakingChanges(was, is));
  if (left.length > 0) console.error(`Clients of the released contract ${was.info.version} would break. Mend it, or accept a change in spec/released/accepted.yaml and say why:`);
  return [...left.map(lineOf), ...unused.map(({ change }) => `accepted.yaml: '${change}' accepts nothing: take it out`)];
}

async function release(): Promise<void> {
  const head = (await readFile(ACCEPTED, 'utf8')).split('\n').filter((line) => line.startsWith('#'));
  await copyFile(PRESENT, RELEASED);
  await writeFile(ACCEPTED, `${head.join('\n')}\n[]\n`);
  console.log(`spec/released/openapi.json is now the contract ${(await contract(RELEASED)).info.version}.`);
}

if (process.argv[2] === 'release') await release();
else {
  const faults = await check();
  for (const fault of faults) console.error(`  ${fault}`);
  process.exitCode = faults.length > 0 ? 1 : 0;
}
