/**
 * spec/ and migrations/ -> generated/, and what the client package needs of it. `--check` writes nothing and fails where generated/ is stale or the contract breaks a rule.
 * Usage: scripts/node.sh scripts/generate.ts [--check]
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import { bundle, createConfig, formatProblems, getTotals, lintFromString, loadConfig } from '@redocly/openapi-core';
import { parse } from 'yaml';
import { generateDatabaseTypes } from './codegen-db.ts';
import { accessMatrix } from './generate/access-matrix.ts';
import { derive } from './generate/derive.ts';
import type { OpenApiDocument, ProblemRegistry } from './generate/document.ts';
import { brokenRules } from './generate/house-rules.ts';
import { readmeWithSettings } from './generate/readme.ts';
import { apiTypes, clientTable, goldenList, operationTable, problemTable } from './generate/sources.ts';
import { generateValidators } from './generate/validators.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const spec = path.join(root, 'spec');
/** From generated/. */
const CLIENT = '../clients/typescript/src/generated';
const check = process.argv.includes('--check');

async function contract(): Promise<{ doc: OpenApiDocument; registry: ProblemRegistry; faults: string[] }> {
  // eslint-disable-next-line @typescript-eslint/no-unsafe-assignment -- our own file, whose use below would show a wrong shape
  const registry: ProblemRegistry = parse(await readFile(path.join(spec, 'shared/problems.yaml'), 'utf8'));
  const bundled = await bundle({ ref: path.join(spec, 'openapi.yaml'), config: await createConfig({}) });
  const faults = bundled.problems.map((problem) => `${problem.location[0]?.source.absoluteRef ?? ''}: ${problem.message}`);
  // eslint-disable-next-line @typescript-eslint/no-unsafe-assignment -- Redocly's lint judges the shape
  const doc: OpenApiDocument = JSON.parse(JSON.stringify(bundled.bundle.parsed));
  faults.push(...brokenRules(doc, registry));
  if (faults.length === 0) {
    derive(doc, registry);
    faults.push(...(await lint(doc)));
  }
  return { doc, registry, faults };
}

async function lint(doc: OpenApiDocument): Promise<string[]> {
  const config = await loadConfig({ configPath: path.join(spec, 'redocly.yaml') });
  const problems = await lintFromString({ source: JSON.stringify(doc, null, 1), absoluteRef: 'generated/openapi.json', config });
  if (problems.length > 0) formatProblems(problems, { format: 'stylish', totals: getTotals(problems), version: '' });
  return problems.map((problem) => `${problem.ruleId}: ${problem.message} at ${problem.location[0]?.pointer ?? ''}`);
}

async function outputs(doc: OpenApiDocument, registry: ProblemRegistry): Promise<Record<string, string>> {
  const validators = generateValidators(doc);
  return {
    'openapi.json': `${JSON.stringify(doc, null, 2)}\n`,
    'api.ts': await apiTypes(doc, 'server'),
    'operations.ts': operationTable(doc),
    'problems.ts': problemTable(registry),
    'operations.md': goldenList(doc),
    'access.md': accessMatrix(doc),
    'validate-parameters.js': validators.parameters.code,
    'validate-parameters.d.ts': validators.parameters.types,
    'validate-bodies.js': validators.bodies.code,
    'validate-bodies.d.ts': validators.bodies.types,
    'db.ts': await generateDatabaseTypes(),
    [`${CLIENT}/api.ts`]: await apiTypes(doc, 'client'),
    [`${CLIENT}/contract.ts`]: clientTable(doc, registry),
    '../README.md': await readmeWithSettings(path.join(root, 'README.md')),
  };
}

const { doc, registry, faults } = await contract();
if (faults.length > 0) {
  console.error(faults.map((fault) => `spec: ${fault}`).join('\n'));
  process.exit(1);
}
const stale: string[] = [];
for (const folder of ['.', CLIENT]) await mkdir(path.join(root, 'generated', folder), { recursive: true });
for (const [name, text] of Object.entries(await outputs(doc, registry))) {
  const file = path.join(root, 'generated', name);
  if ((await readFile(file, 'utf8').catch(() => null)) === text) continue;
  stale.push(path.join('generated', name));
  if (!check) await writeFile(file, text);
}
if (stale.length > 0) console.log(`${check ? 'stale' : 'written'}: ${stale.join(', ')}`);
if (check && stale.length > 0) {
  console.error('generated/ does not fit spec/ and migrations/: run `make generate` and commit the result.');
  process.exit(1);
}
