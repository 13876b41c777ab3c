/** Writes generated/db.ts, the tables as Kysely sees them, from a throw-away database with all migrations. --check only compares. */
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { openEmbedded, removeDataFolder } from '../src/db/embedded.ts';
import { migrate, MIGRATIONS } from '../src/db/migrate.ts';

interface Column {
  table: string;
  name: string;
  /** Name in pg_type; of the element for arrays. */
  type: string;
  isArray: boolean;
  isNullable: boolean;
  hasDefault: boolean;
  /** Computed by PostgreSQL: GENERATED ALWAYS, as identity or stored expression. */
  isComputed: boolean;
  /** Labels of an enum type. */
  labels: string[] | null;
  /** CHECK constraints on this column alone, as PostgreSQL writes them. */
  checks: string[];
}

const COLUMNS = `
  SELECT c.relname AS "table", a.attname AS name, coalesce(e.typname, t.typname) AS type, e.oid IS NOT NULL AS "isArray",
    NOT a.attnotnull AS "isNullable", a.atthasdef OR a.attidentity <> '' AS "hasDefault", a.attgenerated <> '' OR a.attidentity = 'a' AS "isComputed",
    (SELECT array_agg(l.enumlabel::text ORDER BY l.enumsortorder) FROM pg_enum l WHERE l.enumtypid = coalesce(e.oid, t.oid)) AS labels,
    ARRAY(SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k
      WHERE k.conrelid = c.oid AND k.contype = 'c' AND k.conkey = ARRAY[a.attnum] ORDER BY k.conname) AS checks
  FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type d ON d.oid = a.atttypid
    JOIN pg_type t ON t.oid = CASE d.typtype WHEN 'd' THEN d.typbasetype ELSE d.oid END
    LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition
  ORDER BY c.relname COLLATE "C", a.attnum`;

/** As src/db/parsers.ts and pg read them. A type that is not here stops the generator: decide how it is read first. */
const TYPES: Readonly<Record<string, string>> = {
  bool: 'boolean', bpchar: 'string', bytea: 'Buffer', citext: 'string', cidr: 'string', date: 'string', float4: 'number', float8: 'number', inet: 'string',
  int2: 'number', int4: 'number', int8: 'number', json: 'Json', jsonb: 'Json', ltree: 'string', name: 'string', numeric: 'number', text: 'string',
  timestamptz: 'Timestamp', tsvector: 'string', uuid: 'string', varchar: 'string', xid8: 'string',
};

const HEADER = `/** The database's tables, from the migrations by scripts/codegen-db.ts. Not edited by hand. */
import type { ColumnType } from 'kysely';

/** A column that may be left out of an INSERT. */
export type Generated<T> = T extends ColumnType<infer S, infer I, infer U> ? ColumnType<S, I | undefined, U> : ColumnType<T, T | undefined, T>;
/** A column that PostgreSQL computes. */
export type Computed<T> = ColumnType<T, never, never>;

/** Read as RFC 3339 text in UTC. */
export type Timestamp = ColumnType<string, string | Date, string | Date>;

export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };
/** Read as a value, written as JSON text: pg would make a PostgreSQL array of a JavaScript one. */
export type Json = ColumnType<JsonValue, string, string>;
`;

const LITERAL = String.raw`'(?:[^']|'')*'::text`;
const LITERALS = String.raw`ARRAY\[(${LITERAL}(?:, ${LITERAL})*)\]`;

/** The texts that a CHECK allows: \`x IN (…)\`, \`x = '…'\`, \`x <@ ARRAY[…]\`, each also as \`x IS NULL OR …\`. */
export function allowedTexts(column: string, check: string): string[] | undefined {
  const name = `"?${column}"?`;
  const [, some, contained, one] = new RegExp(
    String.raw`^CHECK \((?:\(?\(${name} IS NULL\) OR )?\(${name} (?:= ANY \(${LITERALS}\)|<@ ${LITERALS}|= (${LITERAL}))\)+$`,
  ).exec(check) ?? [];
  const list = some ?? contained ?? one;
  return list?.match(new RegExp(LITERAL, 'g'))?.map(literal => literal.slice(1, -"'::text".length).replaceAll("''", "'"));
}

function columnType(column: Column): string {
  const texts = column.labels ?? column.checks.map(check => allowedTexts(column.name, check)).find(found => found !== undefined);
  const plain = texts ? texts.map(text => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`).join(' | ') : TYPES[column.type];
  if (plain === undefined) throw new Error(`${column.table}.${column.name}: scripts/codegen-db.ts does not know the type ${column.type}.`);
  // pg's elements of such arrays are the values that are read, and those that are written.
  const element = plain === 'Timestamp' ? 'string' : plain === 'Json' ? 'JsonValue' : plain;
  const list = element.includes(' | ') ? `(${element})[]` : `${element}[]`;
  const type = `${column.isArray ? list : plain}${column.isNullable ? ' | null' : ''}`;
  if (column.isComputed) return `Computed<${type}>`;
  return column.hasDefault ? `Generated<${type}>` : type;
}

const pascal = (name: string): string => name.split('_').map(part => part.slice(0, 1).toUpperCase() + part.slice(1)).join('');

/** @param columns in the order of the output */
export function render(columns: readonly Column[]): string {
  const tables = Map.groupBy(columns, ({ table }) => table);
  const parts = [...tables].map(([table, members]) =>
    `export interface ${pascal(table)} {\n${members.map(column => `  ${column.name}: ${columnType(column)};\n`).join('')}}\n`);
  const database = `export interface DB {\n${[...tables.keys()].map(table => `  ${table}: ${pascal(table)};\n`).join('')}}\n`;
  return [HEADER, ...parts, database].join('\n');
}

/** The text of generated/db.ts for these migrations. Starts and stops a database of its own, about a second. */
export async function generateDatabaseTypes(migrations: string = MIGRATIONS): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), 'sca-portal-codegen-'));
  const quiet = { info: () => undefined, warn: () => undefined, error: console.error };
  try {
    const embedded = await openEmbedded({ dataDir, log: quiet, settings: { fsync: 'off' } });
    try {
      await migrate(embedded.url, { log: quiet, folder: migrations });
      const client = new pg.Client({ connectionString: embedded.url });
      await client.connect();
      const { rows } = await client.query<Column>(COLUMNS).finally(() => client.end());
      return render(rows);
    } finally {
      await embedded.stop(5_000);
    }
  } finally {
    await removeDataFolder(dataDir);
  }
}

if (import.meta.main) {
  const file = fileURLToPath(new URL('../generated/db.ts', import.meta.url));
  const text = await generateDatabaseTypes();
  if (!process.argv.includes('--check')) await writeFile(file, text);
  else if (await readFile(file, 'utf8').catch(() => '') !== text) {
    console.error('generated/db.ts is out of date: run "make generate".');
    process.exitCode = 1;
  }
}
