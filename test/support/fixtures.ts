/** Small inputs made on the spot: SBOMs, archives, forms. */
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import tar from 'tar-stream';

export interface SbomPart {
  purl: string;
  license?: string;
  dependsOn?: string[];
}

/** A CycloneDX 1.6 document whose first component is what the root depends on. */
export function cycloneDx(parts: readonly SbomPart[], root = 'app'): string {
  return JSON.stringify({
    bomFormat: 'CycloneDX', specVersion: '1.6', version: 1,
    metadata: { component: { type: 'application', 'bom-ref': 'root', name: root, version: '1.0.0' } },
    components: parts.map(({ purl, license }) => {
      const [, coordinates = ''] = /^pkg:[^/]+\/(.+)$/.exec(purl) ?? [];
      const [name = '', version = ''] = coordinates.split('@');
      return { type: 'library', 'bom-ref': purl, name: decodeURIComponent(name), version, purl, ...(license === undefined ? {} : { licenses: [{ expression: license }] }) };
    }),
    dependencies: [{ ref: 'root', dependsOn: parts.slice(0, 1).map(({ purl }) => purl) }, ...parts.map(({ purl, dependsOn }) => ({ ref: purl, dependsOn: dependsOn ?? [] }))],
  });
}

export const LODASH = 'pkg:npm/lodash@4.17.20';
export const REQUESTS = 'pkg:pypi/requests@2.19.1';

/** Direct lodash 4.17.20 (vulnerable, MIT), which depends on requests 2.19.1 (Apache-2.0) and on a GPL component. */
export const SMALL_SBOM = cycloneDx([
  { purl: LODASH, license: 'MIT', dependsOn: [REQUESTS, 'pkg:npm/copyleft@1.0.0'] },
  { purl: REQUESTS, license: 'Apache-2.0' },
  { purl: 'pkg:npm/copyleft@1.0.0', license: 'GPL-3.0-only' },
  { purl: 'pkg:npm/mystery@0.1.0' },
]);

export function sbomForm(text: string | Uint8Array<ArrayBuffer>, fields: Record<string, string> = {}): FormData {
  return fileForm('sbom', text, 'bom.json', fields);
}

export function fileForm(field: string, content: string | Uint8Array<ArrayBuffer>, fileName: string, fields: Record<string, string> = {}): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  form.set(field, new Blob([content]), fileName);
  return form;
}

/** A tar.gz of these files. */
export async function tarGz(files: Readonly<Record<string, string>>): Promise<Uint8Array<ArrayBuffer>> {
  const pack = tar.pack();
  const packed = buffer(pack);
  for (const [name, content] of Object.entries(files)) pack.entry({ name }, content);
  pack.finalize();
  return new Uint8Array(gzipSync(await packed));
}
