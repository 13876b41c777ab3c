/** STUB */
export class ArchiveError extends Error { readonly code: string; constructor(code: string, m: string) { super(m); this.code = code; } } export function recogniseArchive(_head: Uint8Array): string|null { return null; }
