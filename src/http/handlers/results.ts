/** What a project's scan found: licences, the gate, and the SBOM. Vulnerabilities are in findings.ts. */
import { publishedDocumentKeys } from '../../domain/documents/keys.ts';
import { exportNotice } from '../../domain/documents/notice.ts';
import { exportReport } from '../../domain/documents/report.ts';
import { exportSarif } from '../../domain/documents/sarif.ts';
import { exportSbom, exportSbomSignature } from '../../domain/documents/sbom.ts';
import { gateResult } from '../../domain/gate/result.ts';
import { listProjectLicenses } from '../../domain/licenses/list.ts';
import { documentReply, ok } from '../reply.ts';
import type { Handlers } from '../types.ts';

export const results = {
  listProjectLicenses: async (context, { path, query, page }) =>
    ok(await listProjectLicenses(context, path.id, query.scan_id, { tier: query.tier, kind: query.kind, text: query.q }, page)),
  getProjectGateResult: async (context, { path, query }) => ok(await gateResult(context, path.id, query.scan_id)),
  getProjectSbom: async (context, { path, query, headers }) => documentReply(headers['if-none-match'], await exportSbom(context, path.id, query.scan_id, query.format ?? 'cyclonedx-json')),
  getProjectSbomSignature: async (context, { path, query, headers }) => documentReply(headers['if-none-match'], await exportSbomSignature(context, path.id, query.scan_id, query.format ?? 'cyclonedx-json')),
  getDocumentKeys: async (context) => ({ ...ok({ keys: await publishedDocumentKeys(context) }), headers: { 'Cache-Control': 'public, max-age=300' } }),
  getProjectSarif: async (context, { path, query, headers }) => documentReply(headers['if-none-match'], await exportSarif(context, path.id, query.scan_id)),
  getProjectNotice: async (context, { path, query, headers }) => documentReply(headers['if-none-match'], await exportNotice(context, path.id, query.scan_id, query.format ?? 'text'), query.download === true),
  getProjectReport: async (context, { path, query, headers }) => documentReply(headers['if-none-match'], await exportReport(context, path.id, query.scan_id), query.download === true),
} satisfies Partial<Handlers>;
