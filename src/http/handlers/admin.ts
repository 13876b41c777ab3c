/** /v1/admin: the whole installation, for super admins. Accounts and the audit log have their own files. */
import { cancelScan } from '../../domain/scans/cancel.ts';
import { listAllScans } from '../../domain/scans/read.ts';
import { diskUse } from '../../domain/system/disk.ts';
import { ok } from '../reply.ts';
import type { Handlers } from '../types.ts';

export const admin = {
  listAdminScans: async (context, { query, page }) =>
    ok(
      await listAllScans(context, {
        status: query.status, kind: query.kind, ref: query.ref, teamId: query.team_id, projectId: query.project_id, createdAfter: query.created_after, createdBefore: query.created_before,
      }, page),
    ),
  getAdminDisk: async (context) => ok(await diskUse(context)),
  cancelAdminScan: async (context, { path }) => ok(await cancelScan(context, path.scan_id)),
} satisfies Partial<Handlers>;
