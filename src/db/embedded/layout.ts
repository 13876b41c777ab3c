/** What stands where for one embedded database, and how to get in. */
import type { Account } from './account.ts';
import type { Binaries } from './binaries.ts';

export interface Access {
  /** Preferred port; the one in use stands in postmaster.pid. */
  port: number;
  /** Of the role `portal`, which owns the database `portal`. */
  password: string;
  /** Of the superuser `postgres`. */
  adminPassword: string;
}

export interface Cluster {
  /** DATA_DIR, for messages. */
  dataDir: string;
  /** Real path of PostgreSQL's own folder. */
  data: string;
  accessFile: string;
  access: Access;
  logFile: string;
  /** User that the server runs as; undefined: the user of this process. */
  account: Account | undefined;
  binaries: Binaries;
}
