/** From an inventory to rows, and the one transaction that makes a scan's results visible. */
import type { Inventory } from '../../core/component.ts';
import { parsePurl } from '../../core/purl.ts';
import type { Db } from '../../db/connect.ts';
import { lockMatching, matchPackageVersions, refreshFindings } from '../../db/matches.ts';
import { ensurePackageVersions } from '../../db/packages.ts';
import { ensureLicenses, insertScanComponents, replaceDeclaredLicenses, replaceLicenseTexts, type LicenseRow, type ScanComponentRow } from '../../db/publish.ts';
import { lockRunningScan, succeedScan, type ClaimedScan } from '../../db/scans.ts';
import { inTransaction } from '../../db/transaction.ts';
import type { Services } from '../context.ts';
import { licenseInfo, tierOf } from '../licenses/catalogue.ts';
import { licenseIds, parseExpression } from '../licenses/expression.ts';
import { normalise } from '../licenses/normalise.ts';
import { orderComponents } from './graph.ts';

/** A row of the scan that still lacks its package version, and the licences it declares. */
export interface PreparedComponent {
  row: Omit<ScanComponentRow, 'packageVersionId'>;
  coordinates: { type: string; namespace: string; name: string; version: string };
  spdxIds: readonly string[];
}

export type ResolvedComponent = ScanComponentRow & { spdxIds: readonly string[] };

/** Orders the components and judges their licences. The same licence text is judged once. */
export function prepareComponents(inventory: Inventory): PreparedComponent[] {
  const judged = new Map<string, Judgement>();
  const judge = (declared: string): Judgement => {
    const known = judged.get(declared);
    if (known !== undefined) return known;
    const fresh = judgeLicense(declared);
    judged.set(declared, fresh);
    return fresh;
  };
  return orderComponents(inventory.components).map(({ component, ordinal, dependsOn, depth }) => {
    const license = component.declaredLicense === null ? NO_LICENSE : judge(component.declaredLicense);
    const purl = parsePurl(component.purl);
    return {
      row: {
        purl: component.purl, ordinal, dependsOn, depth, direct: component.direct, scope: component.scope, type: component.type,
        licenseExpression: license.expression, licenseDeclared: component.declaredLicense, licenseTier: license.tier,
        supplier: component.supplier, copyright: component.copyright ?? null, description: component.description, hashes: JSON.stringify(component.hashes), evidence: component.evidence,
      },
      coordinates: { type: purl.type, namespace: purl.namespace ?? '', name: purl.name, version: purl.version ?? component.version },
      spdxIds: license.spdxIds,
    };
  });
}

interface Judgement {
  expression: string | null;
  tier: string;
  spdxIds: readonly string[];
}
const NO_LICENSE: Judgement = { expression: null, tier: 'unknown', spdxIds: [] };

function judgeLicense(declared: string): Judgement {
  const expression = normalise(declared);
  if (expression === null) return NO_LICENSE;
  const parsed = parseExpression(expression);
  return { expression, tier: tierOf(expression).tier, spdxIds: parsed.ok ? licenseIds(parsed.tree) : [] };
}

/** Gives every component its package version, and makes sure that each version's vulnerabilities are known. */
export async function resolvePackages(db: Db, components: readonly PreparedComponent[]): Promise<ResolvedComponent[]> {
  const ids = await ensurePackageVersions(db, components.map((component) => component.coordinates));
  await matchPackageVersions(db, ids);
  return components.map(({ row, spdxIds }, index) => {
    const packageVersionId = ids[index];
    if (packageVersionId === undefined) throw new Error('a component has no package version');
    return { ...row, packageVersionId, spdxIds };
  });
}

/** Writes components, licences, findings and the outcome at once. False where this run no longer owns the scan. */
export function publish(services: Services, scan: ClaimedScan, inventory: Inventory, rows: readonly ResolvedComponent[]): Promise<boolean> {
  return inTransaction(services.db, async (tx) => {
    await lockMatching(tx, 'shared');
    if (!(await lockRunningScan(tx, scan))) return false;
    await insertScanComponents(tx, scan, rows);
    await replaceLicenseTexts(tx, scan.id, inventory.licenseTexts ?? []);
    await ensureLicenses(tx, [...new Set(rows.flatMap((row) => row.spdxIds))].map(licenseRow));
    await replaceDeclaredLicenses(tx, scan, rows.flatMap((row) => row.spdxIds.map((spdxId) => ({ ordinal: row.ordinal, spdxId }))));
    await succeedScan(tx, scan, { componentCount: rows.length, occurrenceCount: inventory.occurrences, warnings: inventory.warnings.slice(0, 100) });
    await refreshFindings(tx, { projectId: scan.projectId });
    return true;
  });
}

function licenseRow(spdxId: string): LicenseRow {
  const { name, osiApproved, fsfLibre, deprecated, referenceUrl } = licenseInfo(spdxId);
  return { spdxId, name, tier: tierOf(spdxId).tier, osiApproved, fsfLibre, deprecated, referenceUrl };
}
