/** If-Match against a row's version. */
import { DomainError } from '../core/errors.ts';

/** The version to update from. Throws precondition-required where If-Match is missing, precondition-failed where it is another version. */
export function expectVersion(ifMatch: number | null, current: number): number {
  if (ifMatch === null) throw new DomainError('precondition-required', `Send If-Match with the version you read; it is ${current} now.`, { current_version: current });
  if (ifMatch !== current) throw new DomainError('precondition-failed', `The row is at version ${current}. Read it again, then repeat your change.`, { current_version: current });
  return current;
}
