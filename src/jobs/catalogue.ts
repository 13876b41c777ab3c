/** Names and payloads of all jobs; a leaf, so that any layer may name a job without knowing its code. */

/**
 * A mail to be written. Orders name what the mail is about and hold no secret: the job makes the token, keeps its hash, and mails it, so that no token ever
 * lies in the job table. The address of a reset may be anyone's: the job, not the request, looks it up, so that both take the same time.
 */
export type MailOrder =
  | { kind: 'registration'; registration_id: string }
  | { kind: 'password-reset'; email: string }
  | { kind: 'password-changed'; user_id: string };

export interface JobPayloads {
  'run-scan': { scan_id: string };
  /** Dead letters of run-scan: every try failed. */
  'give-up-scan': { scan_id: string };
  'sweep-scans': Record<string, never>;
  /** Tells the code host that a scan is under way, or what came of it. */
  'report-scan': { scan_id: string; moment: 'start' | 'end' };
  /** Starts scans that webhooks asked for when there was no room. */
  'take-up-pushes': Record<string, never>;
  'send-mail': MailOrder;
  /** Judges current scans again; null for all teams. */
  'judge-licenses': { team_id: string | null };
  'lapse-license-policies': Record<string, never>;
  'sweep-expired': Record<string, never>;
  'rotate-signing-keys': Record<string, never>;
  /** Looks at the gates of the projects that are marked. */
  'evaluate-gates': Record<string, never>;
  'age-gates': Record<string, never>;
  'expire-suppressions': Record<string, never>;
  /** Tells users what has happened. */
  'deliver-notices': Record<string, never>;
  /** Sends what channels are to be told. */
  'send-messages': Record<string, never>;
  /** Null: it is time for an automatic one. */
  'make-backup': { name: string | null };
  'restore-backup': { restore_id: string };
  /** Ends what workers that died have left of backups. */
  'sweep-backups': Record<string, never>;
  'rekey-versions': Record<string, never>;
  /** Fetches vulnerability data that is due. */
  'sync-vulndb': Record<string, never>;
}
export type JobName = keyof JobPayloads;
