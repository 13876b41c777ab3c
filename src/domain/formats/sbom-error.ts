/** What is wrong with a document, in words for whoever sent it. */
export type SbomErrorCode = 'malformed' | 'unsupported-version' | 'too-large' | 'encoding';

export class SbomError extends Error {
  readonly code: SbomErrorCode;

  constructor(code: SbomErrorCode, message: string) {
    super(message);
    this.name = 'SbomError';
    this.code = code;
  }
}
