/** What every use case is given: the services of the process, who acts, and what is known of the request. */
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { SYSTEM, type Actor } from '../core/actor.ts';
import type { Telemetry } from '../core/telemetry.ts';
import type { Db, Tx } from '../db/connect.ts';
import type { Mailer } from '../integrations/mail.ts';
import type { JobName, JobPayloads } from '../jobs/catalogue.ts';
import type { Vault } from '../core/vault.ts';
import type { IdentityProviders } from '../integrations/identity/provider.ts';
import type { TokenService } from './auth/tokens.ts';

export interface Services {
  config: Config;
  db: Db;
  /** Of the database without a pooler between, for connections of their own. A secret. */
  sessionUrl: string;
  log: Logger;
  telemetry: Telemetry;
  /** The present; injected so that tests can choose it. */
  now: () => Date;
  /** Starts a job when, and only when, the transaction commits. Of one group only so many run at a time as the job says. */
  enqueue: <Name extends JobName>(tx: Tx, name: Name, payload: JobPayloads[Name], options?: { group: string }) => Promise<string>;
  tokens: TokenService;
  identityProviders: IdentityProviders;
  /** Where browsers and clients reach the portal, without a trailing slash. */
  publicUrl: () => string;
  vault: Vault;
  /** null where no mail server is configured: no mail is sent then. */
  mailer: Mailer | null;
}

export interface RequestInfo {
  /** X-Request-ID, or the job's id. */
  id: string;
  /** operationId, or the job's name. */
  operation: string;
  ip: string | null;
  userAgent: string | null;
  /** Aborted once the client has gone without its answer; of a job never. */
  gone: () => AbortSignal;
}

export interface Context extends Services {
  actor: Actor;
  request: RequestInfo;
}

const NEVER = new AbortController().signal;

/** For use cases that a job runs. */
export const ofJob = (services: Services, operation: JobName): Context => ({ ...services, actor: SYSTEM, request: { id: crypto.randomUUID(), operation, ip: null, userAgent: null, gone: () => NEVER } });
