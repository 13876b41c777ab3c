/** Statements of a fixed shape, compiled by Kysely once for the process instead of at each call. */
import { CompiledQuery, type RawBuilder } from 'kysely';
import type { Db } from './connect.ts';

/** Stands for an argument while the statement is compiled. */
class Placeholder {
  declare readonly argument: true; // nominal: nothing else passes for one
}

/**
 * @param build must give the same SQL whatever its arguments are, and use them only as values
 * @returns a function that runs the statement with its arguments
 */
export function statement<Args extends readonly unknown[], Row>(arity: Args['length'], build: (...args: Placeholder[]) => RawBuilder<Row>): (db: Db, ...args: Args) => Promise<Row[]> {
  let compiled: { text: string; order: number[] } | null = null;
  return async (db, ...args) => {
    compiled ??= compile(db, arity, build);
    const { rows } = await db.executeQuery<Row>(CompiledQuery.raw(compiled.text, compiled.order.map((index) => args[index])));
    return rows;
  };
}

function compile<Row>(db: Db, arity: number, build: (...args: Placeholder[]) => RawBuilder<Row>): { text: string; order: number[] } {
  const placeholders = Array.from({ length: arity }, () => new Placeholder());
  const { sql: text, parameters } = build(...placeholders).compile(db);
  const order = parameters.map((parameter) => placeholders.findIndex((placeholder) => placeholder === parameter));
  if (order.includes(-1)) throw new Error('a statement of a fixed shape holds a value that is no argument');
  return { text, order };
}
