/** Names and payloads of all jobs; a leaf, so that any layer may name a job without knowing its code. */
export interface JobPayloads {
  'run-scan': { scan_id: string };
  /** Dead letters of run-scan: every try failed. */
  'give-up-scan': { scan_id: string };
  'sweep-expired': Record<string, never>;
  'rotate-signing-keys': Record<string, never>;
}
export type JobName = keyof JobPayloads;
