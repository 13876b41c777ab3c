/** Which room of src/ may import from which: http -> domain -> db -> core, and never in a circle. Types count as imports too. */

/** `from` may import from these folders of src/ (beside itself, generated/ and npm packages), and from nothing else of ours. */
const room = (from, ...others) => ({
  name: `${from}-imports`,
  comment: `src/${from} imports ${others.length > 0 ? others.join(', ') : 'nothing of ours'} only.`,
  severity: 'error',
  from: { path: `^src/${from}/` },
  to: { path: '^(src|scripts|test)/', pathNot: [from, ...others].map(name => (name.endsWith('.ts') ? `^src/${name}$` : `^src/${name}/`)) },
});

module.exports = {
  forbidden: [
    { name: 'no-circles', comment: 'Move what both need into a file that neither imports back.', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-missing', severity: 'error', from: {}, to: { couldNotResolve: true, pathNot: '^sarif$' } }, // @types/sarif describes a format; there is no package of that name
    {
      name: 'no-undeclared-packages', comment: 'What runs in production stands in dependencies.', severity: 'error',
      from: { path: '^src/' }, to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
    room('core'),
    room('db', 'core', 'advisories'), // advisories: version keys, which are columns
    room('scan', 'core'),
    room('advisories', 'core'),
    room('integrations', 'core', 'config.ts'),
    // The catalogue has the names and payloads of jobs; the domain starts them without knowing what they do.
    room('domain', 'core', 'db', 'scan', 'advisories', 'integrations', 'config.ts', 'jobs/catalogue.ts'),
    room('jobs', 'core', 'db', 'domain', 'config.ts'),
    room('telemetry', 'core', 'db', 'domain', 'config.ts'),
    room('http', 'core', 'db', 'domain', 'config.ts'),
    {
      name: 'handlers-know-no-database', comment: 'A handler unwraps, calls the domain and replies; it may name the types of rows.', severity: 'error',
      from: { path: '^src/http/handlers/' }, to: { path: '^src/db/', dependencyTypesNot: ['type-only'] },
    },
    { name: 'source-apart-from-tests', severity: 'error', from: { path: '^(src|generated)/' }, to: { path: '^(test|scripts)/' } },
    { name: 'clients-stand-alone', comment: 'The package is copied as it is: nothing of the portal, and no package that it does not name.', severity: 'error', from: { path: '^clients/' }, to: { path: '^(src|scripts|test|generated|migrations)/' } },
    { name: 'source-apart-from-clients', severity: 'error', from: { path: '^(src|generated)/' }, to: { path: '^clients/' } },
    { name: 'generated-is-a-leaf', severity: 'error', from: { path: '^generated/' }, to: { path: '^src/' } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true, // type imports count
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.json'], exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
