/** Rotation of the signing keys. Nobody is logged out: a new key is known everywhere before it signs, and an old one is trusted until its last token has expired. */
import { MAX_ACCESS_TOKEN_TTL_SECONDS } from '../../config.ts';
import type { Tx } from '../../db/connect.ts';
import { insertAudit } from '../../db/audit.ts';
import { deleteUntrustedSigningKeys, endSigningKey, insertSigningKey, lockOldSigningKey } from '../../db/signing-keys.ts';
import { withAdvisoryLock } from '../../db/transaction.ts';
import type { Services } from '../context.ts';
import { generateKey } from './signing-keys.ts';

const DAY_MS = 86_400_000;
/** From publishing a key to signing with it: processes read keys every minute, others keep the JWK set for five. */
export const PUBLISHED_BEFORE_MS = 600_000;
/** Clocks of processes, and what a token lives past its `exp`. */
const SLACK_MS = 60_000;

/** Replaces the current key where it is old enough, and removes keys that are no longer trusted. Of several at once one does it. */
export async function rotateSigningKeys({ db, vault, config, now }: Pick<Services, 'db' | 'vault' | 'config' | 'now'>): Promise<void> {
  const next = await generateKey(vault);
  await withAdvisoryLock(db, 'signing-keys', async (tx) => {
    const time = now().getTime();
    for (const kid of await deleteUntrustedSigningKeys(tx, now())) await tell(tx, 'delete', kid, {});
    const old = await lockOldSigningKey(tx, new Date(time - config.SIGNING_KEY_ROTATION_DAYS * DAY_MS));
    if (old === undefined) return;
    const signs = new Date(time + PUBLISHED_BEFORE_MS);
    const trusted = new Date(signs.getTime() + MAX_ACCESS_TOKEN_TTL_SECONDS * 1000 + SLACK_MS);
    await endSigningKey(tx, old, { signs, trusted });
    await tell(tx, 'update', old, { signs_until: signs, trusted_until: trusted });
    if (await insertSigningKey(tx, next, signs)) await tell(tx, 'create', next.kid, { signs_from: signs });
  });
}

function tell(tx: Tx, action: 'create' | 'update' | 'delete', kid: string, diff: Record<string, unknown>): Promise<void> {
  return insertAudit(tx, {
    actorKind: 'system', actorUserId: null, actorEmail: null, teamId: null, operation: 'rotate-signing-keys', action, targetTable: 'signing_keys', targetId: kid,
    requestId: 'rotate-signing-keys', ip: null, userAgent: null, diff,
  });
}
