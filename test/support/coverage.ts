/** Which operation was seen to answer which status: a line each in a file that the coverage test reads after the run. */
import { appendFileSync } from 'node:fs';

/** Names the file; the runner sets it. */
export const COVERAGE_VARIABLE = 'CONTRACT_COVERAGE';

export function recordCoverage(operationId: string, status: number): void {
  const file = process.env[COVERAGE_VARIABLE];
  if (file !== undefined) appendFileSync(file, `${operationId} ${status}\n`);
}
