/** Refused log-ins in the audit log, so many that an attack is seen and so few that it does not fill the disk. */
import { countHit } from '../../db/rate-limits.ts';
import { audit } from '../audit.ts';
import type { Context } from '../context.ts';

const WINDOW_SECONDS = 60;
/** Of the whole installation. One client address comes to five passwords a minute anyway, but an attacker may have many. */
const EACH_UP_TO = 60;
const THEN_EVERY = 100;

export interface RefusedLogIn {
  reason: string;
  userId?: string | undefined;
  /** Of an account, or as a provider says. What was typed is not kept: people type passwords into the field for the address. */
  email?: string | null | undefined;
  /** Of the identity provider. */
  provider?: string;
}

/** Takes the same steps whatever the reason: the time of an answer must not tell whether an address has an account. */
export async function noteRefusedLogIn(context: Context, { reason, userId, email, provider }: RefusedLogIn): Promise<void> {
  const { hits } = await countHit(context.db, 'refused-log-ins', WINDOW_SECONDS, context.now());
  if (hits > EACH_UP_TO && hits % THEN_EVERY !== 0) return;
  await audit(context.db, context, { action: 'refuse', table: 'users', id: userId ?? null, diff: { reason, email, provider, count: hits } });
}
