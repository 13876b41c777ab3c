/** STUB */
import type { Inventory } from '../../core/component.ts'; export class SbomError extends Error { readonly code: string; constructor(code: string, m: string) { super(m); this.code = code; } } export function readSbom(_f: string, _c: AsyncIterable<Uint8Array>): Promise<Inventory> { throw new Error('stub'); }
