/** Severities in SQL: 0 for critical to 5 for unknown, as `findings.severity_rank` has it; 6 where there is none. */
import { sql, type RawBuilder } from 'kysely';
import { SEVERITIES, type Severity } from '../core/severity.ts';

const NAMES = sql.raw(`ARRAY[${[...SEVERITIES, 'none'].map((name) => `'${name}'`).join(', ')}]`);

export const severityRank = (severity: RawBuilder<unknown>): RawBuilder<unknown> => sql`coalesce(array_position(${NAMES}, ${severity}) - 1, ${sql.lit(SEVERITIES.length)})`;
/** The way back. */
export const severityOfRank = (rank: RawBuilder<unknown>): RawBuilder<unknown> => sql`(${NAMES})[${rank} + 1]`;

/** `SeveritySummary`: how many rows of a group are of each severity. @param is whether a row is of this one, whose place in the list is `rank` */
export const countsBySeverity = (is: (severity: Severity, rank: number) => RawBuilder<unknown>): RawBuilder<unknown> =>
  sql`json_build_object(${sql.join(SEVERITIES.flatMap((severity, rank) => [sql.lit(severity), sql`count(*) FILTER (WHERE ${is(severity, rank)})`]))})`;
/** The same of findings `f`. */
export const SEVERITY_SUMMARY = countsBySeverity((_, rank) => sql`f.severity_rank = ${sql.lit(rank)}`);
