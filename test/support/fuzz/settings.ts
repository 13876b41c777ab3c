/** How much is fuzzed, and from which seed: TEST_FUZZ_SEED, TEST_FUZZ_RUNS (requests an operation), TEST_FUZZ_MINUTES and TEST_FUZZ_ONLY (operationIds, comma-separated). */

/** The same seed sends the same requests, but for the ids of rows. */
export const SEED = Number(process.env['TEST_FUZZ_SEED'] ?? 20_261_125);

/** Rounds go on until then; 0 for one round. */
export const MINUTES = Number(process.env['TEST_FUZZ_MINUTES'] ?? 0);

const only = process.env['TEST_FUZZ_ONLY']?.split(',').filter((id) => id !== '') ?? [];
export const isWanted = (id: string): boolean => only.length === 0 || only.includes(id);

export const runsOf = (usual: number): number => Number(process.env['TEST_FUZZ_RUNS'] ?? usual);
