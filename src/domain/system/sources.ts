/** How old each source of vulnerability data is, also what should be there and has never come. */
import type { components } from '../../../generated/api.ts';
import { listSources, usedEcosystems } from '../../db/advisory-sources.ts';
import type { Tx } from '../../db/connect.ts';
import type { Services } from '../context.ts';

export interface AgedSource {
  source: components['schemas']['AdminHealth']['vulnerability_sources'][number];
  /** Since it last came; null where it never has. */
  days: number | null;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export async function vulnerabilitySources(tx: Tx, { config, now }: Pick<Services, 'config' | 'now'>): Promise<AgedSource[]> {
  const known = new Map((await listSources(tx)).map((source) => [source.name, source]));
  const fetched = config.VULNDB_SYNC === 'on' ? [...(config.KEV_URL === 'off' ? [] : ['kev']), ...(config.EPSS_URL === 'off' ? [] : ['epss']), ...(Array.isArray(config.VULNDB_ECOSYSTEMS) ? config.VULNDB_ECOSYSTEMS : []).map(osv)] : [];
  const names = new Set([...known.keys(), ...fetched, ...(await usedEcosystems(tx)).map(osv)]);
  const limitMs = config.VULNDB_SYNC === 'on' ? Math.max(2 * DAY_MS, 3 * config.VULNDB_INTERVAL_HOURS * HOUR_MS) : 7 * DAY_MS;
  return [...names].sort().map((name) => {
    const row = known.get(name);
    const at = row?.imported_at ?? null;
    const ageMs = at === null ? null : Math.max(0, now().getTime() - Date.parse(at));
    return {
      days: ageMs === null ? null : Math.floor(ageMs / DAY_MS),
      source: {
        name, status: ageMs === null ? 'never' : ageMs > limitMs && name !== 'files' ? 'stale' : 'ok', last_success_at: at, last_try_at: row?.tried_at ?? null, last_error: row?.error ?? null,
        records: row?.records ?? 0, refused: row?.refused ?? 0, newest_modified_at: row?.newest_modified_at ?? null,
      },
    };
  });
}

const osv = (ecosystem: string): string => `osv:${ecosystem}`;
