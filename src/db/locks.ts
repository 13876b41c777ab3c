/** The advisory locks of the portal, in one place so that no two uses share a number; and when a lock is worth another try. */
import { errorCode } from '../core/values.ts';

/** First half of every key; the second half names the use. Locks are per database of a server. */
export const LOCK_CLASS = 1482;

export const LOCK = {
  /** Shared: held by each process that uses the embedded server. Exclusive: by the last one, while it stops the server. */
  embeddedServer: 1,
  /** Exclusive: held by the portal that works on a data folder. */
  portal: 2,
  /** Exclusive: held while migrations are applied. */
  migrations: 3,
} as const;

const PASSING = new Set(['55P03', '40P01']);

/** Was a lock not to be had in time, or lost to a deadlock? Another try may get over it. */
export const isLockConflict = (error: unknown): boolean => PASSING.has(errorCode(error));
