/** STUB */
export type SbomFormat='cyclonedx-json'; export function recogniseSbom(_h: Uint8Array): SbomFormat|null { return null; } export function isSbomFormat(f: string): f is SbomFormat { return f === 'cyclonedx-json'; }
