/** The one error that domain code throws on purpose. It names a problem of the contract; only http/problem.ts knows status codes. */
import type { ProblemSlug } from '../../generated/problems.ts';

export type { ProblemSlug };

/** Members that a problem document carries beside the standard ones. */
export interface ProblemExtensions {
  errors?: { pointer?: string; parameter?: string; message: string }[];
  active_scan_id?: string;
  allowed_to?: string[];
  current_version?: number;
  limit?: number;
  limit_bytes?: number;
  project_count?: number;
}

export interface ProblemOptions extends ProblemExtensions {
  /** Seconds for Retry-After. */
  retryAfter?: number;
  /** Methods for Allow. */
  allow?: string[];
}

export class DomainError extends Error {
  readonly kind: ProblemSlug;
  readonly options: ProblemOptions;

  /** `detail` is for the client: what happened and what to do next; never SQL, a stack trace or a secret. */
  constructor(kind: ProblemSlug, detail: string, options: ProblemOptions = {}) {
    super(detail);
    this.name = 'DomainError';
    this.kind = kind;
    this.options = options;
  }
}

/** The worker is stopping: what it runs is given back, for another one to run. */
export class Stopping extends Error {}

/** Archiving is final: what is read stays, what is new needs another project. */
export const projectArchived = (): DomainError => new DomainError('project-archived', 'The project is archived: it can be read, and takes no changes and no scans. To go on, make a new one with POST /v1/projects.');

export const notFound = (what: string): DomainError => new DomainError('not-found', `${what} does not exist, or you may not see it.`);
