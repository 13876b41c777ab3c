/** A portal with findings to triage, a team admin and a developer of one team, and the steps that tests of triage share. */
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { isRecord } from '../../src/core/values.ts';
import type { FindingStatus } from '../../src/domain/findings/states.ts';
import { importFiles, osv } from './advisories.ts';
import { member, type Answer, type ContractClient } from './contract.ts';
import { cycloneDx, sbomForm } from './fixtures.ts';
import { startTestPortal } from './portal.ts';
import { newProject, newUser, scanToEnd } from './scans.ts';

export const WHY = 'The vulnerable function is never called.';

export interface Row { id: string; status: FindingStatus; version: number; purl: string; cve: string }

/** alpha has two vulnerabilities, beta one. */
export async function startTriage() {
  const { portal, admin, anonymous, database } = await startTestPortal();
  const { db } = database;
  await importFiles(portal.services, osv({ id: 'GHSA-a', name: 'alpha' }), osv({ id: 'GHSA-b', name: 'beta' }), osv({ id: 'GHSA-c', name: 'alpha', fixed: '3.0.0' }));
  const teamAdmin = await newUser(anonymous, database, 'team_admin');
  const developer = await newUser(anonymous, database, 'developer', teamAdmin.teamId);

  const scan = async (project: string, ...purls: string[]) => scanToEnd(admin, project, sbomForm(cycloneDx(purls.map((purl) => ({ purl })))));
  const project = async (...purls: string[]): Promise<string> => {
    const id = await newProject(admin, { team_id: teamAdmin.teamId });
    await scan(id, ...purls);
    return id;
  };
  const rowsOf = async (projectId: string): Promise<Row[]> => (await sql<Row>`
    SELECT f.id, f.status, f.version, c.purl, v.external_id AS cve FROM findings f JOIN components c ON c.id = f.component_id JOIN vulnerabilities v ON v.id = f.vulnerability_id
    WHERE f.project_id = ${projectId} ORDER BY c.purl, v.external_id`.execute(db)).rows;
  const one = async (projectId: string, purl?: string): Promise<Row> => {
    const row = (await rowsOf(projectId)).find((candidate) => purl === undefined || candidate.purl === purl);
    assert.ok(row);
    return row;
  };
  const states = async (projectId: string): Promise<string[]> => (await rowsOf(projectId)).map(({ purl, status }) => `${purl.slice(8)} ${status}`);
  const patch = (client: ContractClient, { id, version }: { id: string; version: number | null }, json: object): Promise<Answer> =>
    client.call('updateVulnerabilityFindingStatus', { path: { finding_id: id }, headers: version === null ? {} : { 'If-Match': `"${version}"` }, json });
  /** As the team admin, by way of `analyzing`. */
  const decide = async (row: Row, json: { status: FindingStatus } & Record<string, unknown>): Promise<Answer> => {
    let { version } = row;
    if (row.status !== 'analyzing') version = Number(member((await patch(teamAdmin.client, row, { status: 'analyzing' })).body, 'version'));
    const answer = await patch(teamAdmin.client, { id: row.id, version }, { justification: WHY, ...json });
    assert.is(answer.status, 200, answer.text);
    return answer;
  };
  const force = (id: string, status: FindingStatus) => sql`UPDATE findings SET status = ${status}, version = 7 WHERE id = ${id}`.execute(db);
  const history = async (id: string): Promise<string[]> => {
    const { body } = await admin.expect(200, 'getVulnerabilityFinding', { path: { finding_id: id } });
    const events = member(body, 'status_history');
    return Array.isArray(events) ? events.filter(isRecord).map(({ event, source, new_status: to }) => `${String(event)} ${String(source)} ${String(to)}`).reverse() : [];
  };
  const many = (id: string, json: object, client = teamAdmin.client) => client.call('updateProjectVulnerabilityStatuses', { path: { id }, json });
  return { portal, admin, db, teamAdmin, developer, scan, project, rowsOf, one, states, patch, decide, force, history, many };
}
