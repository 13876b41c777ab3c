/** The client of the SCA portal. */
export { createPortalClient, unwrap, type PortalClient, type PortalClientOptions, type Schema } from './client.ts';
export type { components, operations, paths } from './generated/api.ts';
export { contractVersion, type ProblemSlug } from './generated/contract.ts';
export { paginate, type ItemOf, type ListParameters, type ListPath } from './paginate.ts';
export { PortalProblem, PortalTimeout, PortalUnreachable, type RequestFault } from './problem.ts';
export type { RetryPolicy } from './retry.ts';
export type { Credential, Session } from './session.ts';
export { uploadArchive, uploadSbom, type ArchiveFields, type SbomFields, type UploadFields } from './upload.ts';
export { waitForScan, type Progress, type WaitOptions } from './wait-for-scan.ts';
