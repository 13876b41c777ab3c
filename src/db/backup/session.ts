/** A connection of one's own for work that takes as long as it takes, in one transaction. */
import pg from 'pg';

/** How values are written as text, whatever the server's settings are. */
const SETTINGS = `SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL lock_timeout = 0; SET LOCAL datestyle = 'ISO, YMD';
  SET LOCAL intervalstyle = 'postgres'; SET LOCAL timezone = 'UTC'; SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'`;

/** Commits what `work` has done; rolls it back where that throws or the signal aborts. @param begin statements that do so, one message each */
export async function inOwnTransaction<T>(url: string, name: string, begin: readonly string[], signal: AbortSignal, work: (client: pg.Client) => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const client = new pg.Client({ connectionString: url, application_name: `sca-portal ${name}`, connectionTimeoutMillis: 5_000, keepAlive: true });
  client.on('error', () => undefined); // the statement that it breaks says so
  const cut = (): void => void client.end().catch(() => undefined);
  await client.connect();
  try {
    signal.addEventListener('abort', cut, { once: true });
    for (const statement of begin) await client.query(statement);
    await client.query(SETTINGS);
    const result = await work(client);
    signal.throwIfAborted();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', cut);
    await client.end().catch(() => undefined); // without a COMMIT: nothing has happened
  }
}
