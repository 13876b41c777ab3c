/** What ends the command line without a result, and what to do about it. */
import { PortalProblem, PortalTimeout, PortalUnreachable } from '../problem.ts';

/** Wrong use or input; the message says what to do. */
export class UsageFault extends Error {
  override readonly name = 'UsageFault';
}

/** The portal has no result for us. */
export class ScanFault extends Error {
  override readonly name = 'ScanFault';
}

const BY_SLUG: Readonly<Partial<Record<string, string>>> = {
  unauthorized: 'Is PORTAL_API_KEY the whole key (tos_..._...), and neither expired nor revoked? Make a new one with POST /v1/api-keys.',
  forbidden: 'Give the key this action and a scope that holds the project. A scan needs scan:trigger, scan:read and project:read; SARIF, SBOM and NOTICE need report:download.',
  'not-found': 'Is --project right, and may the key see it?',
  'project-archived': 'Restore the project, or take another.',
  'unsupported-sbom': 'Send CycloneDX 1.2 to 1.7 (JSON, XML) or SPDX 2.2 to 2.3 (JSON, tag-value), or name the folder with the lock files: it is packed and sent as source.',
  'payload-too-large': 'Leave files out by .gitignore, scan the folder with the lock files, upload an SBOM, or let the operator raise MAX_UPLOAD_BYTES.',
  'disk-pressure': 'The operator has to make room on the disk of the portal.',
  'too-many-active-scans': 'Try again when the other scans of the team have ended.',
  'scan-in-progress': 'A scan of this ref is running: wait for it, or leave --no-wait out, so that this is waited for.',
  'code-host-not-set': 'Set the code host of the project: PUT /v1/projects/{id}/code-host.',
};

/** The portal knows the operations of a client that was made with it, so that the address leads elsewhere. */
const NO_PORTAL = 'Is --url (PORTAL_URL) right? It is the address that the portal shows when it starts, without /v1.';

/** Lines for standard error. */
export function explain(error: unknown): string[] {
  if (error instanceof PortalProblem) {
    const faults = error.errors.map(({ pointer, parameter, message }) => `  ${pointer ?? parameter ?? 'request'}: ${message}`);
    const hint = error.slug === null ? undefined : error.detail.startsWith('There is nothing at ') ? NO_PORTAL : BY_SLUG[error.slug];
    const again = error.retryAfter === null ? [] : [`Try again in ${error.retryAfter} s.`];
    return [error.message, ...faults, ...(hint === undefined ? [] : [hint]), ...again, ...(error.requestId === null ? [] : [`Request id: ${error.requestId}`])];
  }
  if (error instanceof PortalUnreachable) return [error.message, 'Is --url (PORTAL_URL) right, and the portal up? Behind a proxy set NODE_USE_ENV_PROXY=1 and HTTPS_PROXY; for an authority of your own NODE_EXTRA_CA_CERTS.'];
  if (error instanceof PortalTimeout) return [error.message, 'Allow more with --timeout SECONDS, or see at the portal what the scan waits for.'];
  return [error instanceof Error ? error.message : String(error)];
}
