/** What an import has done, for the people who started it. */
export interface ImportReport {
  /** Advisories that could be read, those that are known already included. */
  records: number;
  /** Of those, the new and changed ones. */
  changed: number;
  /** Records and files that could not be read. */
  refused: number;
  exploited: number;
  predictions: number;
  /** Vulnerabilities that the changed advisories make up. */
  vulnerabilities: number;
  /** Package versions matched again. */
  rematched: number;
  findingsOpened: number;
  findingsResolved: number;
  /** The first faults, in words: what could not be read, and parts of records that could not be used. */
  faults: string[];
}

export const emptyReport = (): ImportReport =>
  ({ records: 0, changed: 0, refused: 0, exploited: 0, predictions: 0, vulnerabilities: 0, rematched: 0, findingsOpened: 0, findingsResolved: 0, faults: [] });
