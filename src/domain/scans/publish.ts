/** From an inventory to rows, and the one transaction that makes a scan's results visible. */
import type { Inventory } from '../../core/component.ts';
import { formatPurl, formatQualifiers, parsePurl } from '../../core/purl.ts';
import type { Db } from '../../db/connect.ts';
import { lockMatching, matchPackageVersions } from '../../db/matches.ts';
import { ensurePackageVersions, type PackageVersion } from '../../db/packages.ts';
import { refreshFindings } from '../../db/refresh.ts';
import { insertScanComponents, replaceLicenseFindings, replaceLicenseTexts, type ScanComponentRow } from '../../db/publish.ts';
import { lockLicenses } from '../../db/license-judgement.ts';
import { replaceOpinions, type Report } from '../../db/second-opinions.ts';
import { lockRunningScan, succeedScan, type ClaimedScan } from '../../db/scan-states.ts';
import type { SkippedStep } from '../../db/scans.ts';
import { inTransaction } from '../../db/transaction.ts';
import type { Services } from '../context.ts';
import { isDigest } from '../formats/cyclonedx.ts';
import { markGate } from '../gate/outcomes.ts';
import { tierOf } from '../licenses/catalogue.ts';
import { licenseIds, parseExpression } from '../licenses/expression.ts';
import { normalise } from '../licenses/normalise.ts';
import { recordLicenses } from '../licenses/record.ts';
import { settleLicenses } from '../licenses/settle.ts';
import { scanEnded } from './follow.ts';
import { orderComponents } from './graph.ts';
import { denseRanks } from './ranks.ts';

/** A row of the scan that still lacks its package version, and the licences that it declares and that its files say. */
export interface PreparedComponent {
  row: Omit<ScanComponentRow, 'packageVersionId'>;
  coordinates: PackageVersion;
  claims: readonly LicenseClaim[];
}

/** A licence of a component, and what says so. */
interface LicenseClaim {
  spdxId: string;
  kind: 'declared' | 'detected';
  path: string | null;
}

/** What a source says beside its components. */
export type ScanFacts = Omit<Inventory, 'components'>;

export type ResolvedComponent = ScanComponentRow & { claims: readonly LicenseClaim[] };

/** Orders the components and judges their licences. The same licence text is judged once. */
export function prepareComponents(inventory: Inventory['components']): PreparedComponent[] {
  const judged = new Map<string, Judgement>();
  const judge = (declared: string): Judgement => {
    const known = judged.get(declared);
    if (known !== undefined) return known;
    const fresh = judgeLicense(declared);
    judged.set(declared, fresh);
    return fresh;
  };
  return withRanks(orderComponents(inventory).map(({ component, ordinal, dependsOn, depth }) => {
    const license = component.declaredLicense === null ? NO_LICENSE : judge(component.declaredLicense);
    const detected = component.detectedLicense === undefined ? NO_LICENSE : judge(component.detectedLicense.expression);
    const purl = parsePurl(component.purl);
    return {
      row: {
        purl: component.purl, ordinal, dependsOn, depth, direct: component.direct, scope: component.scope, type: component.type,
        licenseExpression: license.expression, licenseDeclared: component.declaredLicense, licenseDetected: detected.expression,
        licenseTier: (license.expression === null ? detected : license).tier,
        supplier: component.supplier, copyright: component.copyright ?? null, description: component.description, hashes: JSON.stringify(Object.fromEntries(Object.entries(component.hashes).filter(([, digest]) => isDigest(digest)))), evidence: component.evidence,
        installed: component.installed === undefined ? null : formatQualifiers(component.installed),
        formerPurl: purl.type === 'rpm' && /[A-Z]/.test(purl.name) ? formatPurl({ ...purl, name: purl.name.toLowerCase() }) : null,
      },
      coordinates: {
        type: purl.type, namespace: purl.namespace ?? '', name: purl.name, version: purl.version ?? component.version, subpath: purl.subpath,
        qualifiers: component.installed === undefined ? purl.qualifiers : new Map([...purl.qualifiers, ...component.installed]),
      },
      claims: [
        ...license.spdxIds.map((spdxId) => ({ spdxId, kind: 'declared' as const, path: null })),
        ...detected.spdxIds.map((spdxId) => ({ spdxId, kind: 'detected' as const, path: component.detectedLicense?.path ?? null })),
      ],
    };
  }));
}

type Unranked = Omit<PreparedComponent, 'row'> & { row: Omit<PreparedComponent['row'], 'nameRank' | 'versionRank' | 'licenseRank'> };

/** Gives each row its places by name, version and licence among those of the scan. */
function withRanks(components: readonly Unranked[]): PreparedComponent[] {
  const names = denseRanks(components.map(({ coordinates }) => coordinates.name));
  const versions = denseRanks(components.map(({ coordinates }) => coordinates.version));
  const licenses = denseRanks(components.map(({ row }) => row.licenseExpression ?? row.licenseDetected));
  return components.map((one, index) => ({ ...one, row: { ...one.row, nameRank: names[index] ?? null, versionRank: versions[index] ?? null, licenseRank: licenses[index] ?? null } }));
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
  return components.map(({ row, claims }, index) => {
    const packageVersionId = ids[index];
    if (packageVersionId === undefined) throw new Error('a component has no package version');
    return { ...row, packageVersionId, claims };
  });
}

/** What Dependency-Track says of the scan. */
export interface SecondOpinion {
  /** Null where nothing is known anew: what was reported before stays. */
  reports: readonly Report[] | null;
  skipped: readonly SkippedStep[];
  warnings: readonly string[];
}

/** Writes components, licences, findings and the outcome at once. False where this run no longer owns the scan. */
export function publish(services: Services, scan: ClaimedScan, facts: ScanFacts, rows: readonly ResolvedComponent[], { reports, skipped, warnings }: SecondOpinion): Promise<boolean> {
  return inTransaction(services.db, async (tx) => {
    await lockMatching(tx, 'shared');
    if (!(await lockRunningScan(tx, scan))) return false;
    await lockLicenses(tx, [scan.projectId]); // before any row that a decision on the project's licences writes too
    await insertScanComponents(tx, scan, rows);
    await replaceLicenseTexts(tx, scan.id, facts.licenseTexts ?? []);
    await recordLicenses(tx, rows.flatMap((row) => row.claims.map(({ spdxId }) => spdxId)));
    const hasFiles = facts.ownLicense !== undefined;
    await replaceLicenseFindings(tx, scan, hasFiles ? ['declared', 'detected'] : ['declared'], rows.flatMap((row) => row.claims.map((claim) => ({ ordinal: row.ordinal, ...claim }))));
    await settleLicenses(tx, { scanId: scan.id }, 'run-scan', services.now());
    const scanIds = await succeedScan(tx, scan, { componentCount: rows.length, occurrenceCount: facts.occurrences, warnings: [...warnings, ...facts.warnings].slice(0, 100), skippedSteps: skipped, ownLicense: facts.ownLicense === undefined || facts.ownLicense === null ? null : normalise(facts.ownLicense.expression) });
    if (reports !== null) await replaceOpinions(tx, scan, reports);
    await refreshFindings(tx, { projectId: scan.projectId, scanIds });
    await markGate(tx, services, scan.projectId, 'scan');
    await scanEnded(tx, services, scan.id);
    return true;
  });
}
