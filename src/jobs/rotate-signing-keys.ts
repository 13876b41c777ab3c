/** Looks once an hour whether the key that signs access tokens is old enough to be replaced. */
import { rotateSigningKeys } from '../domain/auth/rotate-keys.ts';
import type { JobDefinition } from './job.ts';

export const rotateSigningKeysJob: JobDefinition<'rotate-signing-keys'> = {
  name: 'rotate-signing-keys',
  options: () => ({ retryLimit: 3 }),
  concurrency: () => 1,
  schedule: '7 * * * *',
  run: (services) => rotateSigningKeys(services),
};
