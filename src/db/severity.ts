/** Severities in SQL: 0 for critical to 5 for unknown, as `findings.severity_rank` has it; 6 where there is none. */
import { sql, type RawBuilder } from 'kysely';
import { SEVERITIES } from '../core/severity.ts';

const NAMES = sql.raw(`ARRAY[${[...SEVERITIES, 'none'].map((name) => `'${name}'`).join(', ')}]`);

export const severityRank = (severity: RawBuilder<unknown>): RawBuilder<unknown> => sql`coalesce(array_position(${NAMES}, ${severity}) - 1, ${sql.lit(SEVERITIES.length)})`;
/** The way back. */
export const severityOfRank = (rank: RawBuilder<unknown>): RawBuilder<unknown> => sql`(${NAMES})[${rank} + 1]`;
