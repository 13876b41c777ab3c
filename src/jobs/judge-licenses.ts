/** Judges current scans again where a licence policy has changed, and looks each minute which policies have expired. */
import { lapseLicensePolicies, rejudgeLicenses } from '../domain/licenses/rejudge.ts';
import type { JobDefinition } from './job.ts';

export const judgeLicensesJob: JobDefinition<'judge-licenses'> = {
  name: 'judge-licenses',
  options: () => ({ retryLimit: 10, retryDelay: 2, retryBackoff: true, retryDelayMax: 300, heartbeatSeconds: 10, expireInSeconds: 3600 }),
  concurrency: () => 1,
  run: (services, { team_id: teamId }, signal) => rejudgeLicenses(services, teamId, signal),
};

export const lapseLicensePoliciesJob: JobDefinition<'lapse-license-policies'> = {
  name: 'lapse-license-policies',
  options: () => ({ retryLimit: 2 }),
  concurrency: () => 1,
  schedule: '* * * * *',
  run: (services) => lapseLicensePolicies(services),
};
