/** All checks, as `make test` and CI run them: generated files, lint, import rules, types, tests. The last line counts them. */
import { fileURLToPath } from 'node:url';
import { inParallel, runNode } from './children.ts';
import { runTests, runToEnd } from './test.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const STEP_TIMEOUT = 600_000;

interface Step {
  name: string;
  /** Arguments of Node. */
  args: string[];
}

/** The slow ones first. */
const STEPS: readonly Step[] = [
  { name: 'lint', args: ['node_modules/eslint/bin/eslint.js', '--max-warnings=0', '.'] },
  { name: 'types', args: ['node_modules/typescript/bin/tsc', '--noEmit', '-p', '.'] },
  { name: 'generated files are up to date', args: ['scripts/generate.ts', '--check'] },
  { name: 'nothing breaks the released contract', args: ['scripts/compatibility.ts'] },
  { name: 'import rules', args: ['node_modules/dependency-cruiser/bin/dependency-cruiser.mjs', '--config', '.dependency-cruiser.cjs', 'src', 'scripts', 'test', 'generated', 'clients'] },
];

/** @param names of the steps to run; none: all */
async function runSteps(names: readonly string[]): Promise<{ passed: number; failed: number }> {
  const steps = STEPS.filter(({ name }) => names.length === 0 || names.includes(name));
  const total = { passed: 0, failed: 0 };
  await inParallel(steps.map(({ name, args }) => async () => {
    const { status, output, seconds } = await runNode(args, { timeoutMs: STEP_TIMEOUT });
    total[status === 0 ? 'passed' : 'failed'] += 1;
    console.log(`${status === 0 ? 'ok  ' : 'FAIL'} ${name}  ${seconds.toFixed(1)} s`);
    if (status !== 0) console.log(`${output.trimEnd()}\n`);
  }));
  return total;
}

process.chdir(ROOT);
await runToEnd(async () => {
  console.log('Checking the sources ...');
  const steps = await runSteps(process.argv.slice(2));
  if (process.argv.length > 2) return { ...steps, skipped: 0 };
  console.log('Running the tests ...');
  const tests = await runTests([]);
  return { passed: steps.passed + tests.passed, failed: steps.failed + tests.failed, skipped: tests.skipped };
});
