/** The yardstick: Koa and pg, nothing else, on the SQL that the portal runs for the same answers. */
import Koa from 'koa';
import pg from 'pg';
import type { Statement, Statements } from './statements.ts';

// eslint-disable-next-line @typescript-eslint/no-unsafe-assignment -- from bench.ts, which has just made it
const statements: Statements = JSON.parse(process.env['BASELINE_STATEMENTS'] ?? '{"one":[],"list":[]}');
const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'], max: 10 });

async function run(name: string, list: readonly Statement[]): Promise<unknown[][]> {
  const results: unknown[][] = [];
  for (const [index, { text, values }] of list.entries()) results.push((await pool.query({ name: `${name}${index}`, text, values })).rows);
  return results;
}

const app = new Koa();
app.use(async (ctx) => {
  if (ctx.path === '/one') ctx.body = (await run('one', statements.one)).at(-1)?.[0];
  else {
    const [items, total] = await run('list', statements.list);
    ctx.body = { items, total: total?.[0], limit: 50, offset: 0 };
  }
});
const server = app.listen(Number(process.env['PORT']), '127.0.0.1', () => process.send?.('ready'));
process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
  void pool.end();
  process.disconnect();
});
