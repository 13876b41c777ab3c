/** What a project's scan found: licences, the gate, and the SBOM. Vulnerabilities are in findings.ts. */
import { exportSbom } from '../../domain/documents/sbom.ts';
import { gateResult } from '../../domain/gate/result.ts';
import { listProjectLicenses } from '../../domain/licenses/list.ts';
import { ok } from '../reply.ts';
import type { Handlers } from '../types.ts';

export const results = {
  listProjectLicenses: async (context, { path, query, page }) =>
    ok(await listProjectLicenses(context, path.id, query.scan_id, { tier: query.tier, kind: query.kind, text: query.q }, page)),
  getProjectGateResult: async (context, { path, query }) => ok(await gateResult(context, path.id, query.scan_id)),
  getProjectSbom: async (context, { path, query, headers }) => {
    const document = await exportSbom(context, path.id, query.scan_id, query.format ?? 'cyclonedx-json');
    const validators = { ETag: document.etag, 'Cache-Control': 'private, no-cache' };
    if (headers['if-none-match'] === document.etag) return { status: 304, body: undefined, headers: validators };
    return { status: 200, body: document.text, type: document.mediaType, headers: { ...validators, 'Content-Disposition': `attachment; filename="${document.fileName}"` } };
  },
} satisfies Partial<Handlers>;
