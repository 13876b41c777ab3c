/** When it was last told that a disk fills up. */
import { sql } from 'kysely';
import type { Tx } from './connect.ts';

/** Is it to be told now? Once a day for each level. */
export async function takeDiskAlert(tx: Tx, level: 'warning' | 'hard', now: Date): Promise<boolean> {
  const { rows } = await sql`
    INSERT INTO disk_alerts AS a (level, told_at) VALUES (${level}, ${now}) ON CONFLICT (level) DO UPDATE SET told_at = excluded.told_at WHERE a.told_at <= ${now}::timestamptz - interval '1 day' RETURNING level`.execute(tx);
  return rows.length > 0;
}
