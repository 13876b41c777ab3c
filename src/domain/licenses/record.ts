/** Rows of licences: made when a licence is first seen, in step with the list and the catalogue. */
import type { Tx } from '../../db/connect.ts';
import { ensureLicenses, type LicenseRow } from '../../db/publish.ts';
import { licenseInfo, tierOf } from './catalogue.ts';

/** @param spdxIds SPDX ids with or without `+`, and `LicenseRef-...`; repeated ones count once */
export async function recordLicenses(tx: Tx, spdxIds: readonly string[]): Promise<void> {
  await ensureLicenses(tx, [...new Set(spdxIds)].map(licenseRow));
}

function licenseRow(spdxId: string): LicenseRow {
  const { name, osiApproved, fsfLibre, deprecated, referenceUrl } = licenseInfo(spdxId);
  return { spdxId, name, tier: tierOf(spdxId).tier, osiApproved, fsfLibre, deprecated, referenceUrl };
}
