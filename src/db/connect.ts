/** The connection pool and Kysely on top of it. */
import { Kysely, PostgresDialect, type Transaction } from 'kysely';
import pg from 'pg';
import type { DB } from '../../generated/db.ts';
import type { StatementObserver } from '../core/telemetry.ts';
import type { Log } from './log.ts';
import { TYPES } from './parsers.ts';
import { preparingPool } from './prepared.ts';

export type Db = Kysely<DB>;
export type Tx = Transaction<DB>;

export interface DatabaseOptions {
  /** Most connections at a time. */
  max: number;
  /** Shown in pg_stat_activity; PostgreSQL keeps 63 bytes. */
  applicationName: string;
  log: Log;
  /**
   * Whether connections are ours alone, so that statements may be prepared and the session be set up. False behind a pooler
   * (PgBouncer), which refuses both; time limits are then set on the database role.
   */
  prepare?: boolean;
  /** Milliseconds; 0 for none. */
  statementTimeout?: number;
  /** Told of each statement. */
  observe?: StatementObserver;
}

export interface Database {
  db: Db;
  pool: pg.Pool;
  /** Waits for running queries, then closes all connections. */
  close: () => Promise<void>;
}

const STATEMENT_TIMEOUT = 30_000;
const IDLE_IN_TRANSACTION_TIMEOUT = 60_000;
const CONNECTION_TIMEOUT = 5_000;
const IDLE_TIMEOUT = 300_000;

/** Opens no connection yet; the first query does. */
export function openDatabase(url: string, { max, applicationName, log, prepare = true, statementTimeout = STATEMENT_TIMEOUT, observe }: DatabaseOptions): Database {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    application_name: applicationName,
    types: TYPES,
    connectionTimeoutMillis: CONNECTION_TIMEOUT,
    idleTimeoutMillis: IDLE_TIMEOUT,
    keepAlive: true,
    ...(prepare ? { statement_timeout: statementTimeout, idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT, options: '-c TimeZone=UTC' } : {}),
  });
  // A connection that breaks is dropped by the pool. Without listeners it would end the process when it is idle ("pool"),
  // or when a transaction holds it between two queries ("client"), of which the second then fails.
  pool.on('error', error => { log.warn(`An idle database connection broke: ${error.message}`); });
  pool.on('connect', client => client.on('error', () => undefined));

  const db = new Kysely<DB>({
    dialect: new PostgresDialect({ pool: prepare ? preparingPool(pool) : pool }),
    ...(observe === undefined ? {} : { log: ({ level, query, queryDurationMillis }) => observe({ text: query.sql, milliseconds: queryDurationMillis, failed: level === 'error' }) }),
  });
  return { db, pool, close: () => pool.end() };
}
