/** STUB */
import type { Services } from '../context.ts'; export async function importAdvisories(_s: Services, _f: string, _p: (n: number) => void): Promise<{records: number; changed: number}> { return {records:0,changed:0}; }
