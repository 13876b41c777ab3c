/** What a migration must not do to a table that has rows and readers already: hold a lock on it for long, or take away what the release before still uses. */
import { statementsOf } from '../../src/db/sql-text.ts';

export interface Hazard {
  /** The statement, or the part of it, on one line. */
  statement: string;
  table: string;
  why: string;
}

/** Evaluated anew for each row; `now()` is not. */
const VOLATILE = /\b(random|gen_random_uuid|uuidv[47]|new_id|clock_timestamp|nextval|timeofday|uuid_generate_\w+)\s*\(/i;

/** Rules for one action of ALTER TABLE, most telling first. */
const ACTIONS: readonly { is: RegExp; but?: RegExp; why: string }[] = [
  { is: /^ADD COLUMN .*\bGENERATED ALWAYS AS \(.*\) STORED/i, why: 'writes the whole table anew under an exclusive lock' },
  { is: /^ADD COLUMN .*\b(UNIQUE|PRIMARY KEY)\b/i, why: 'builds an index under an exclusive lock; build it concurrently' },
  { is: /^ADD COLUMN .*\bCHECK \(/i, why: 'reads the whole table under an exclusive lock; add the constraint NOT VALID, and validate it in a later file' },
  { is: /^ADD COLUMN .*\bNOT NULL\b/i, but: /\bDEFAULT\b/i, why: 'fails where there are rows, and old releases insert none of it' },
  { is: /^ALTER (COLUMN )?\w+ SET NOT NULL/i, why: 'reads the whole table under an exclusive lock, unless a validated CHECK (... IS NOT NULL) of an earlier file says so already' },
  { is: /^ALTER (COLUMN )?\w+ (SET DATA )?TYPE\b/i, why: 'writes the whole table anew under an exclusive lock, as a rule' },
  { is: /^ADD (CONSTRAINT \w+ )?(UNIQUE|PRIMARY KEY|EXCLUDE)\b/i, but: /\bUSING INDEX\b/i, why: 'builds an index under an exclusive lock; build it concurrently, and add the constraint USING INDEX' },
  { is: /^ADD (CONSTRAINT \w+ )?(CHECK|FOREIGN KEY)\b/i, but: /\bNOT VALID$/i, why: 'reads the whole table under a lock; add it NOT VALID, and validate it in a later file' },
  { is: /^(DROP COLUMN|RENAME)\b/i, why: 'takes away what the release before still uses while both run; do it one release later' },
  { is: /^SET (LOGGED|UNLOGGED|TABLESPACE|ACCESS METHOD)\b/i, why: 'writes the whole table anew under an exclusive lock' },
];

const STATEMENTS: readonly { is: RegExp; why: string }[] = [
  { is: /^CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY).*? ON (?:ONLY )?(\w+)/i, why: 'keeps writers out while it is built; put it into a file named ..._concurrently.sql' },
  { is: /^UPDATE (?:ONLY )?(\w+)/i, why: 'holds locks on all rows that it changes until the end of the transaction; a job does it in small steps' },
  { is: /^DELETE FROM (?:ONLY )?(\w+)/i, why: 'holds locks on all rows that it deletes until the end of the transaction; a job does it in small steps' },
  { is: /^(?:TRUNCATE|LOCK|CLUSTER|REINDEX|VACUUM)(?: TABLE| FULL)? (\w+)/i, why: 'keeps everybody out' },
  { is: /^DROP TABLE (?:IF EXISTS )?(\w+)/i, why: 'takes away what the release before still uses while both run; do it one release later' },
];

/** Hazards of a migration's text, in their order. Tables that it makes itself have no rows and no readers. */
export function hazardsOf(text: string): Hazard[] {
  const statements = statementsOf(text);
  const own = new Set(statements.flatMap((statement) => /^CREATE (?:UNLOGGED )?TABLE (?:IF NOT EXISTS )?(\w+)/i.exec(statement)?.[1]?.toLowerCase() ?? []));
  const validatedHere = statements.some((statement) => /\bNOT VALID$/i.test(statement));
  return statements.flatMap((statement): Hazard[] => {
    const altered = /^ALTER TABLE (?:IF EXISTS )?(?:ONLY )?(\w+) (.+)$/i.exec(statement);
    const found = altered === null ? hazardOfStatement(statement) : actionsOf(altered[2] ?? '').flatMap((action) => hazardOfAction(altered[1] ?? '', action, validatedHere));
    return found.filter(({ table }) => !own.has(table.toLowerCase()));
  });
}

function hazardOfStatement(statement: string): Hazard[] {
  for (const { is, why } of STATEMENTS) {
    const table = is.exec(statement)?.[1];
    if (table !== undefined) return [{ statement, table, why }];
  }
  return [];
}

function hazardOfAction(table: string, action: string, validatedHere: boolean): Hazard[] {
  if (/^VALIDATE CONSTRAINT/i.test(action) && validatedHere) return [{ statement: action, table, why: 'reads the whole table while the lock of NOT VALID is still held; validate it in a later file' }];
  if (/^ADD COLUMN .*\bDEFAULT\b/i.test(action) && VOLATILE.test(action)) return [{ statement: action, table, why: 'computes a value for each row, and writes the whole table anew under an exclusive lock' }];
  const rule = ACTIONS.find(({ is, but }) => is.test(action) && but?.test(action) !== true);
  return rule === undefined ? [] : [{ statement: action, table, why: rule.why }];
}

/** The actions of an ALTER TABLE: split at the commas that no parenthesis or quote holds. */
function actionsOf(text: string): string[] {
  const actions = [''];
  let depth = 0;
  for (const [part] of text.matchAll(/'(?:[^']|'')*'|[(),]|[^'(),]+/g)) {
    if (part === '(') depth += 1;
    if (part === ')') depth -= 1;
    if (part === ',' && depth === 0) actions.push('');
    else actions.push((actions.pop() ?? '') + part);
  }
  return actions.map((action) => action.trim());
}
