/** How much is fuzzed, and from which seed: TEST_FUZZ_SEED, TEST_FUZZ_RUNS (requests an operation), TEST_FUZZ_MINUTES and TEST_FUZZ_ONLY (operationIds, comma-separated). */

/** The same seed sends the same requests, but for the ids of rows. */
export const SEED = numberOf('TEST_FUZZ_SEED', 20_261_125);

/** Rounds go on until then; 0 for one round. */
export const MINUTES = numberOf('TEST_FUZZ_MINUTES', 0);

const only = process.env['TEST_FUZZ_ONLY']?.split(',').filter((id) => id !== '') ?? [];
/** Throws where TEST_FUZZ_ONLY names what is no operation: nothing would be sent, and nothing found. */
export function assertKnown(ids: readonly string[]): void {
  const unknown = only.filter((id) => !ids.includes(id));
  if (unknown.length > 0) throw new Error(`There is no operation ${unknown.join(', ')}: ONLY takes operationIds of spec/, comma-separated.`);
}

export const isWanted = (id: string): boolean => only.length === 0 || only.includes(id);

export const runsOf = (usual: number): number => numberOf('TEST_FUZZ_RUNS', usual);

function numberOf(name: string, usual: number): number {
  const value = Number(process.env[name] ?? usual);
  if (!Number.isFinite(value)) throw new Error(`${name} must be a number, not '${process.env[name] ?? ''}'.`);
  return value;
}
