/** What the disk has left. Percent are of what the portal may use: blocks kept back for root count as used. */
import { statfs } from 'node:fs/promises';
import { messageOf } from '../../core/values.ts';
import { databaseSize } from '../../db/size.ts';
import { announce } from '../../db/notices.ts';
import { takeDiskAlert } from '../../db/disk-alerts.ts';
import { inTransaction } from '../../db/transaction.ts';
import type { Context, Services } from '../context.ts';

export interface VolumeUse {
  totalBytes: number;
  freeBytes: number;
  usedPercent: number;
}

/** Throws where the folder is not there. */
export async function volumeOf(folder: string): Promise<VolumeUse> {
  const { blocks, bavail, bsize } = await statfs(folder);
  return { totalBytes: blocks * bsize, freeBytes: bavail * bsize, usedPercent: blocks === 0 ? 0 : 100 * (1 - bavail / blocks) };
}

/** Has super admins told, once a day for each level, that the disk fills up. */
export async function watchDisk(services: Pick<Services, 'config' | 'db' | 'now' | 'enqueue'>): Promise<void> {
  const { config, db, now } = services;
  const { usedPercent: used } = await volumeOf(config.DATA_DIR);
  if (used < config.DISK_WARNING_PERCENT) return;
  const level = used >= config.DISK_HARD_LIMIT_PERCENT ? 'hard' : 'warning';
  await inTransaction(db, async (tx) => {
    if (!(await takeDiskAlert(tx, level, now()))) return;
    await announce(tx, [{ kind: 'disk_pressure', projectId: null, audience: { to: 'super_admins' }, facts: { level, used_percent: Math.round(used * 10) / 10, limit_percent: config.DISK_HARD_LIMIT_PERCENT } }]);
    await services.enqueue(tx, 'deliver-notices', {});
  });
}

export interface DiskItem {
  name: 'workspace' | 'postgres';
  path: string | null;
  total_bytes: number | null;
  used_bytes: number;
  free_bytes: number | null;
  used_pct: number | null;
  status: 'ok' | 'degraded' | 'down';
  threshold_warning: number;
  threshold_critical: number;
  error: string | null;
}

/** The embedded database lies in the portal's folder; of another only its size is known. */
export async function diskUse(context: Context): Promise<{ items: DiskItem[]; collected_at: string }> {
  const { config, db, now } = context;
  const workspace = await measure(context, 'workspace');
  const postgres = config.DATABASE_URL === null ? await measure(context, 'postgres') : { ...unknown(context, 'postgres'), used_bytes: await databaseSize(db) };
  return { items: [workspace, postgres], collected_at: now().toISOString() };
}

async function measure(context: Context, name: DiskItem['name']): Promise<DiskItem> {
  const { config } = context;
  const item = { ...unknown(context, name), path: config.DATA_DIR };
  try {
    const { totalBytes, freeBytes, usedPercent } = await volumeOf(config.DATA_DIR);
    const status = usedPercent >= config.DISK_HARD_LIMIT_PERCENT ? 'down' : usedPercent >= config.DISK_WARNING_PERCENT ? 'degraded' : 'ok';
    return { ...item, total_bytes: totalBytes, used_bytes: totalBytes - freeBytes, free_bytes: freeBytes, used_pct: Math.round(usedPercent * 10) / 10, status };
  } catch (error) {
    return { ...item, status: 'down', error: messageOf(error) };
  }
}

function unknown({ config }: Context, name: DiskItem['name']): DiskItem {
  return {
    name, path: null, total_bytes: null, used_bytes: 0, free_bytes: null, used_pct: null, status: 'ok',
    threshold_warning: config.DISK_WARNING_PERCENT, threshold_critical: config.DISK_HARD_LIMIT_PERCENT, error: null,
  };
}
