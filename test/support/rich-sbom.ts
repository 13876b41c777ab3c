/** SBOMs whose components say more of themselves than names and licences. */

/** A library of npm. */
export const component = (name: string, more: object = {}) => ({ type: 'library', 'bom-ref': name, name, version: '1.0.0', purl: `pkg:npm/${name}@1.0.0`, ...more });

/** A CycloneDX 1.6 document of these components. */
export const bomOf = (components: readonly object[], more: object = {}): string => JSON.stringify({ bomFormat: 'CycloneDX', specVersion: '1.6', version: 1, components, ...more });

/** Of everything that components can have. */
export const RICH = bomOf([
  component('alpha', { supplier: { name: 'Alpha & Söhne <gmbh>' }, licenses: [{ license: { id: 'MIT' } }], copyright: 'Copyright 2020 Ada\nCopyright 2021 Bob', hashes: [{ alg: 'SHA-256', content: 'a'.repeat(64) }, { alg: 'SHA-1', content: 'b'.repeat(41) }], description: 'x "y" <z> \u{1f600}' }),
  component('beta', { scope: 'optional', licenses: [{ license: { name: 'House licence', text: { content: 'Do as you like in this house.\nBut wipe your feet.' } } }] }),
  component('gamma', { type: 'framework', properties: [{ name: 'cdx:npm:package:development', value: 'true' }], licenses: [{ expression: '(MIT OR Apache-2.0) AND LicenseRef-other' }] }),
  { type: 'library', 'bom-ref': 'deb', name: 'libssl3', version: '3.0.11-1', purl: 'pkg:deb/debian/libssl3@3.0.11-1?arch=amd64', properties: [{ name: 'aquasecurity:trivy:SrcName', value: 'openssl' }, { name: 'aquasecurity:trivy:SrcVersion', value: '3.0.11-1' }] },
  { type: 'operating-system', 'bom-ref': 'os', name: 'debian', version: '12.4' }, component('bare', { version: '' , purl: 'pkg:npm/bare' }),
], {
  metadata: { component: { type: 'application', 'bom-ref': 'root', name: 'shop', version: '1' } },
  dependencies: [{ ref: 'root', dependsOn: ['alpha', 'beta'] }, { ref: 'alpha', dependsOn: ['gamma', 'deb'] }, { ref: 'gamma', dependsOn: ['alpha'] }],
});
