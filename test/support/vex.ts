/** A portal with a project that has a finding in each state, and the steps that tests of VEX share. */
import { sql } from 'kysely';
import type { FindingStatus } from '../../src/domain/findings/states.ts';
import { importFiles, osv } from './advisories.ts';
import type { Answer } from './contract.ts';
import { cycloneDx, sbomForm } from './fixtures.ts';
import { startTestPortal } from './portal.ts';
import { newProject, newUser, scanToEnd } from './scans.ts';

export const SCORE = 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H';
export const PACKAGES = ['p1', 'p2', 'p3', 'p4', 'p5', 'p6', 'p7'] as const;
export const WHY = 'The vulnerable function is "never" called.\nNor is it \\ loaded.';
export const purl = (name: string, version = '1.0.0'): string => `pkg:npm/${name}@${version}`;

interface Row { id: string; purl: string; cve: string; status: FindingStatus; justification: string | null; code: string | null; until: string | null; scope: string | null; version: number }

export async function startVex() {
  const { portal, admin, anonymous, database } = await startTestPortal();
  const { db } = database;
  await importFiles(portal.services, ...PACKAGES.map((name, index) => osv({ id: `GHSA-${name}`, aliases: [`CVE-2024-${3001 + index}`], name, cvss: SCORE, cwes: ['CWE-79'] })), osv({ id: 'GHSA-other', name: 'p1' }));
  const teamAdmin = await newUser(anonymous, database, 'team_admin');
  const scan = async (id: string, ...purls: string[]) => scanToEnd(admin, id, sbomForm(cycloneDx(purls.map((one) => ({ purl: one })))));
  const project = async (...purls: string[]): Promise<string> => {
    const id = await newProject(admin, { team_id: teamAdmin.teamId });
    await scan(id, ...purls);
    return id;
  };
  const rowsOf = async (id: string): Promise<Row[]> => (await sql<Row>`
    SELECT f.id, c.purl, v.external_id AS cve, f.status, f.justification, f.justification_code AS code, f.suppressed_until AS until, f.decision_scope AS scope, f.version
    FROM findings f JOIN components c ON c.id = f.component_id JOIN vulnerabilities v ON v.id = f.vulnerability_id WHERE f.project_id = ${id} ORDER BY c.purl, v.external_id`.execute(db)).rows;
  const states = async (id: string): Promise<string[]> => (await rowsOf(id)).map(({ purl: of, status }) => `${of.slice(8)} ${status}`);
  const vexOf = (id: string, format: string, query: Record<string, string> = {}): Promise<Answer> => admin.expect(200, 'getProjectVex', { path: { id }, query: { format, ...query } });

  /** A project with a finding in each state, one of them decided for its package. */
  const everyState = await project(...PACKAGES.map((name) => purl(name)));
  const UNTIL = '2199-01-01T00:00:00.000Z';
  const decided: Record<string, object> = {
    p2: {}, p3: { status: 'exploitable' }, p4: { status: 'not_affected', justification_code: 'protected_by_compiler', applies_to: 'package' }, p5: { status: 'false_positive' },
    p6: { status: 'suppressed', expires_at: UNTIL }, p7: { status: 'fixed' },
  };
  for (const row of await rowsOf(everyState)) {
    const decision = decided[row.purl.slice(8, 10)];
    if (decision === undefined) continue;
    const path = { finding_id: row.id };
    await teamAdmin.client.expect(200, 'updateVulnerabilityFindingStatus', { path, headers: { 'If-Match': '1' }, json: { status: 'analyzing' } });
    if (Object.keys(decision).length > 0) await teamAdmin.client.expect(200, 'updateVulnerabilityFindingStatus', { path, headers: { 'If-Match': '2' }, json: { justification: WHY, ...decision } });
  }
  return { admin, db, database, teamAdmin, everyState, scan, project, rowsOf, states, vexOf };
}
