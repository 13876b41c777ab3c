/** The advisory locks of the portal, in one place so that no two uses share a number. */

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
