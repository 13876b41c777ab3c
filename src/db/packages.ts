/** STUB */
import type { Db } from './connect.ts'; export async function ensurePackageVersions(_db: Db, _rows: readonly object[]): Promise<number[]> { return []; }
