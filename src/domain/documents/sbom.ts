/** STUB */
import type { Context } from '../context.ts'; export function exportSbom(_c: Context, _p: string, _s: string|undefined, _f: string): Promise<{etag: string; text: AsyncIterable<string>; mediaType: 'text/spdx'; fileName: string}> { throw new Error('stub'); }
