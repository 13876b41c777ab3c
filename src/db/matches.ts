/** STUB */
import type { Db, Tx } from './connect.ts'; export async function matchPackageVersions(_db: Db, _ids: readonly number[]): Promise<void> {} export async function refreshFindings(_tx: Tx, _at: {projectId: string}): Promise<void> {}
