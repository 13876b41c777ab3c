/** Scans, of one project and of all. */
import { commentOnRequest } from '../../domain/pull-requests/post.ts';
import { createScan } from '../../domain/scans/create.ts';
import { getScanDiff, listScanDiffComponents, listScanDiffFindings } from '../../domain/scans/diff.ts';
import { getScan, listScansInView } from '../../domain/scans/read.ts';
import { scanRequestFromForm, scanRequestFromJson } from '../../domain/scans/request.ts';
import { ok } from '../reply.ts';
import type { Handlers } from '../types.ts';

export const scans = {
  listProjectScans: async (context, { path, query, page }) =>
    ok(await listScansInView(context, { projectId: path.id, status: query.status, kind: query.kind, ref: query.ref, text: query.q, createdAfter: query.created_after, createdBefore: query.created_before }, page)),
  createScan: async (context, { path, body, form }) => {
    const request = form === null ? scanRequestFromJson(body) : scanRequestFromForm(form.fields, form.files);
    const scan = await createScan(context, path.id, request);
    return { status: 202, body: scan, headers: { Location: `/v1/scans/${scan.id}` } };
  },
  listScans: async (context, { query, page }) =>
    ok(await listScansInView(context, { projectId: query.project_id, status: query.status, kind: query.kind, ref: query.ref, text: query.q, createdAfter: query.created_after, createdBefore: query.created_before }, page)),
  getScan: async (context, { path }) => ok(await getScan(context, path.id)),
  getScanDiff: async (context, { path, query }) => ok(await getScanDiff(context, path.id, query.base)),
  listScanDiffComponents: async (context, { path, query, page }) => ok(await listScanDiffComponents(context, path.id, query.base, { change: query.change }, page)),
  listScanDiffFindings: async (context, { path, query, page }) =>
    ok(await listScanDiffFindings(context, path.id, query.base, { change: query.change, severity: query.severity, status: query.status }, page)),
  postScanPullRequestComment: async (context, { path, body }) => {
    const { status, commentId, commentUrl, preview, gate, commitStatus } = await commentOnRequest(context, path.id, { repository: body.repo_full_name, number: body.pr_number }, body.dry_run);
    return ok({ status, comment_id: commentId, comment_url: commentUrl, body_preview: preview, gate, commit_status: commitStatus });
  },
} satisfies Partial<Handlers>;
