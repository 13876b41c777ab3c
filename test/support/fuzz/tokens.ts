/**
 * Requests are made before anyone knows the ids of rows, and should print short: texts hold tokens, which are put in when they are sent.
 * `{{project:3}}` is the third project of the pool, `{{x*70000}}` so many times x.
 */

const ROW = /\{\{(\w+):(\d+)\}\}/g;
const REPEAT = /\{\{([^{}*]{1,12})\*(\d{1,7})\}\}/g;

/** Ids of rows by kind, as the database has them now. */
export type Pools = ReadonlyMap<string, readonly string[]>;

const NOBODY = '00000000-0000-4000-8000-000000000000';

export function fillIn(text: string, pools: Pools): string {
  return text
    .replaceAll(ROW, (_token, kind: string, place: string) => {
      const rows = pools.get(kind) ?? [];
      return rows[Number(place) % Math.max(1, rows.length)] ?? NOBODY;
    })
    .replaceAll(REPEAT, (_token, piece: string, times: string) => piece.repeat(Number(times)));
}

const BY_PATH: readonly (readonly [prefix: string, kind: string])[] = [
  ['/v1/projects/', 'project'], ['/v1/scans/', 'scan'], ['/v1/license-policies/', 'license_policy'], ['/v1/approvals/', 'approval'], ['/v1/notifications/', 'notification'],
  ['/v1/notification-channels/', 'channel'], ['/v1/api-keys/', 'api_key'], ['/v1/admin/users/', 'user'], ['/v1/admin/teams/', 'team'],
];
const BY_NAME: Readonly<Record<string, string>> = { base: 'scan', actor: 'user', name: 'backup', task_id: 'restore', identity_id: 'identity', against: 'scan', target_id: 'project' };

/** What kind of row an id names, by the name of its parameter or member; undefined for names of no row. */
export function kindOf(name: string, path: string): string | undefined {
  if (name === 'id') return BY_PATH.find(([prefix]) => path.startsWith(prefix))?.[1];
  if (name === 'finding_id' && path.startsWith('/v1/license_findings/')) return 'license_finding';
  return BY_NAME[name] ?? (name.endsWith('_id') ? name.replace(/^.*?(\w+)_id$/, '$1').replace(/^.*_(scan|user|team|project)$/, '$1') : undefined);
}
