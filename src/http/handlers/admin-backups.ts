/** /v1/admin/backup. */
import { downloadBackup, listAllBackups, orderBackup, removeBackup } from '../../domain/backups/backups.ts';
import { getRestore, orderRestore } from '../../domain/backups/restore.ts';
import { DomainError } from '../../core/errors.ts';
import { noContent, ok } from '../reply.ts';
import type { Handlers } from '../types.ts';

export const adminBackups = {
  listAdminBackups: async (context, { query, page }) => ok(await listAllBackups(context, query.kind, page)),
  createAdminBackup: async (context) => ({ status: 202, body: await orderBackup(context) }),
  downloadAdminBackup: async (context, { path }) => {
    const { fileName, isEncrypted, byteSize, content } = await downloadBackup(context, path.name);
    return {
      status: 200, body: content, type: isEncrypted ? 'application/octet-stream' : 'application/gzip',
      headers: { 'Content-Disposition': `attachment; filename="${fileName}"`, 'Content-Length': String(byteSize), 'Cache-Control': 'no-store' },
    };
  },
  deleteAdminBackup: async (context, { path }) => {
    await removeBackup(context, path.name);
    return noContent;
  },
  restoreAdminBackup: async (context, { form }) => {
    const [archive] = form?.files ?? [];
    if (archive === undefined) throw new DomainError('validation-failed', 'The archive is missing.', { errors: [{ pointer: '/archive', message: 'is missing' }] });
    const accepted = await orderRestore(context, { file: archive.path, passphrase: form?.fields['passphrase'], confirm: form?.fields['confirm'] });
    return { status: 202, body: accepted, headers: { Location: `/v1/admin/backup/restore/${accepted.task_id}` } };
  },
  getAdminRestore: async (context, { path }) => ok(await getRestore(context, path.task_id)),
} satisfies Partial<Handlers>;
