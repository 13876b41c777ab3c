/** What the seed's parts share: figures that look random and come out the same each time, and sizes. */
import { sql, type RawBuilder } from 'kysely';
import type { Tx } from '../../../src/db/connect.ts';

/** Logs what a step did and how long it took. */
export type Step = (name: string, work: RawBuilder<unknown>) => Promise<void>;

export interface Seed {
  tx: Tx;
  step: Step;
  size: Sizes;
}

/** How many rows there shall be; all but teams and users shrink with SCALE. */
export interface Sizes {
  scale: number;
  teams: number;
  users: number;
  projects: number;
  packages: number;
  vulnerabilities: number;
  /** Of these, as many match something. */
  found: number;
  audit: number;
}

export function sizesAt(scale: number): Sizes {
  const times = (count: number, least: number): number => Math.max(least, Math.round(count * scale));
  return {
    scale, teams: 100, users: 500, projects: times(2_000, 20), packages: times(80_000, 800), vulnerabilities: times(200_000, 2_000), found: times(40_000, 400), audit: times(1_000_000, 10_000),
  };
}

/** From 0 to below 1: another for each number and salt. */
export const u = (number: RawBuilder<unknown>, salt: number): RawBuilder<number> => sql`((hashint8extended((${number})::bigint, ${sql.lit(salt)}::bigint) & 1073741823) / 1073741824.0::float8)`;

/** One of the texts; those that stand twice come twice as often. */
export const pick = (at: RawBuilder<unknown>, texts: readonly string[]): RawBuilder<string> =>
  sql`(${sql.raw(`ARRAY[${texts.map((text) => `'${text}'`).join()}]`)})[1 + floor(${at} * ${sql.lit(texts.length)})::int]`;

/** A UUIDv7 of that time, as `new_id()` would have made it then. */
export const idAt = (time: RawBuilder<unknown>): RawBuilder<string> => sql`encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
  PLACING substring(int8send((extract(epoch FROM ${time}) * 1000)::bigint) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid`;
