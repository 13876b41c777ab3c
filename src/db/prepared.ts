/**
 * Named prepared statements for Kysely: a text that comes again is parsed once per connection. Kysely itself sends every
 * query without a name, which makes PostgreSQL parse and plan it each time.
 */
import { sql, type PostgresCursor, type PostgresPool, type PostgresPoolClient, type PostgresQueryResult } from 'kysely';
import type pg from 'pg';
import { errorCode } from '../core/values.ts';

/** Names that one pool gives out; each costs memory on every connection. Texts past that go unnamed. */
const MAX_NAMES = 200;
/** Texts remembered as seen once; forgotten all together when full. */
const MAX_SEEN = 1_000;
/** Longer texts are lists of values rather than statements that come again. */
const MAX_LENGTH = 8_000;
const DEADLOCK = '40P01';
const MAX_TRIES = 4;

const ANEW = '/* planned anew */';
/**
 * Opens a statement that is planned for its very values each time. A prepared one soon has one plan for all, made for the average project, and where one project has ten components and another
 * 100,000 that is a plan for neither.
 */
export const plannedAnew = sql.raw(ANEW);

/** Gives a text its name from the second time on. Exported for its test. */
export class StatementNames {
  readonly #names = new Map<string, string | undefined>();
  readonly #seen = new Set<string>();

  nameOf(text: string): string | undefined {
    const name = this.#names.get(text);
    if (name !== undefined) return name;
    if (text.startsWith(ANEW) || text.length > MAX_LENGTH || this.#names.size >= MAX_NAMES || this.#names.has(text)) return undefined;
    if (this.#seen.delete(text)) {
      const made = `s${this.#names.size}`;
      this.#names.set(text, made);
      return made;
    }
    if (this.#seen.size >= MAX_SEEN) this.#seen.clear();
    this.#seen.add(text);
    return undefined;
  }

  /** From now on the text goes unnamed. */
  forbid(text: string): void {
    this.#names.set(text, undefined);
  }
}

/** Kysely reads `command` for these only. */
const COMMANDS = new Map<string, PostgresQueryResult<unknown>['command']>(
  (['UPDATE', 'DELETE', 'INSERT', 'SELECT', 'MERGE', 'COMMIT', 'ROLLBACK'] as const).map(command => [command, command]),
);

class PreparingClient implements PostgresPoolClient {
  readonly #client: pg.PoolClient;
  readonly #names: StatementNames;

  constructor(client: pg.PoolClient, names: StatementNames) {
    this.#client = client;
    this.#names = names;
  }

  query<R>(text: string, values: readonly unknown[]): Promise<PostgresQueryResult<R>>;
  query<R>(cursor: PostgresCursor<R>): PostgresCursor<R>;
  query<R>(text: string | PostgresCursor<R>, values: readonly unknown[] = []): Promise<PostgresQueryResult<R>> | PostgresCursor<R> {
    if (typeof text !== 'string') throw new TypeError('Kysely has no cursors here: read large results page by page or with COPY.');
    return this.#run<R>(text, values);
  }

  /** A statement by itself that has lost a deadlock, as reads may against a migration, has done nothing and is run again; of a transaction the caller does that. */
  async #run<R>(text: string, values: readonly unknown[]): Promise<PostgresQueryResult<R>> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#runOnce<R>(text, values);
      } catch (error) {
        if (attempt >= MAX_TRIES || errorCode(error) !== DEADLOCK || this.#client.getTransactionStatus() !== 'I') throw error;
      }
    }
  }

  async #runOnce<R>(text: string, values: readonly unknown[]): Promise<PostgresQueryResult<R>> {
    // Without values pg takes the simple protocol, which may carry several statements.
    const name = values.length === 0 ? undefined : this.#names.nameOf(text);
    try {
      return toKysely<R>(await this.#client.query(name === undefined ? { text, values: [...values] } : { name, text, values: [...values] }));
    } catch (error) {
      if (name === undefined || !isStalePlan(error)) throw error;
      this.#names.forbid(text);
      if (this.#client.getTransactionStatus() !== 'I') throw error; // the transaction is lost; its caller may try it again
      return toKysely<R>(await this.#client.query({ text, values: [...values] }));
    }
  }

  release(destroy?: boolean): void {
    this.#client.release(destroy);
  }
}

/** A migration that ran beside us changed a table under `SELECT *`. */
export const isStalePlan = (error: unknown): boolean => errorCode(error) === '0A000' && error instanceof Error && error.message.includes('cached plan');

function toKysely<R>(result: pg.QueryResult): PostgresQueryResult<R> {
  // eslint-disable-next-line @typescript-eslint/no-unsafe-assignment -- the caller of a query says what its rows are
  const rows: R[] = result.rows;
  return { command: COMMANDS.get(result.command) ?? 'SELECT', rowCount: result.rowCount ?? 0, rows };
}

/** The pool as Kysely shall see it. Ending it is left to whoever made the pool. */
export function preparingPool(pool: pg.Pool): PostgresPool {
  const names = new StatementNames();
  const wrapped = new WeakMap<pg.PoolClient, PreparingClient>();
  return {
    options: pool.options,
    async connect() {
      const client = await pool.connect();
      const known = wrapped.get(client) ?? new PreparingClient(client, names);
      wrapped.set(client, known); // Kysely keeps its own state by this object
      return known;
    },
    end: () => Promise.resolve(),
  };
}
