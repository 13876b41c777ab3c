/** Lint rules: those that find faults, and the boundaries of the house that imports alone do not show. */
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Who may touch what. `message` says where it belongs. */
const ENVIRONMENT = { object: 'process', property: 'env', message: 'Settings are read in src/config.ts alone.' };
const DATABASE = { group: ['kysely', 'pg', 'pg-copy-streams'], message: 'SQL lives in src/db: add a function there.', allowTypeImports: false };
const WEB = { group: ['koa', 'koa/*', '@koa/*'], message: 'Koa lives in src/http.', allowTypeImports: false };
const ENVIRONMENT_MODULE = { name: 'node:process', importNames: ['env'], message: ENVIRONMENT.message };

const restrict = (...patterns) => ['error', { paths: [ENVIRONMENT_MODULE], patterns }];

export default defineConfig(
  { ignores: ['generated/', 'clients/typescript/src/generated/', 'node_modules/', '.tools/', '.data/', 'coverage/'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: ['error', 'always'],
      'no-console': 'error',
      'no-restricted-properties': ['error', ENVIRONMENT],
      'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx'] }],
      '@typescript-eslint/no-restricted-imports': restrict(DATABASE, WEB),
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/consistent-type-assertions': ['error', { assertionStyle: 'never' }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowNullish: false }],
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: 'only-allowed-literals' }],
      // `() => work()` reads well where a callback's result does not matter.
      '@typescript-eslint/no-confusing-void-expression': 'off',
    },
  },
  { files: ['src/config.ts'], rules: { 'no-restricted-properties': 'off' } },
  { files: ['clients/typescript/src/cli/main.ts'], rules: { 'no-restricted-properties': 'off' } },
  { files: ['src/db/**'], rules: { '@typescript-eslint/no-restricted-imports': restrict(WEB) } },
  { files: ['src/http/**'], rules: { '@typescript-eslint/no-restricted-imports': restrict(DATABASE) } },
  {
    files: ['scripts/**', 'test/**'],
    rules: { 'no-console': 'off', 'no-restricted-properties': 'off', '@typescript-eslint/no-restricted-imports': 'off' },
  },
  // Values in messages of tests may be missing: the message then says so.
  { files: ['test/**'], rules: { '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowNullish: true }] } },
);
