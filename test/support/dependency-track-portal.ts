/** A portal that asks a Dependency-Track on loopback, and the steps that tests of the two share. */
import * as assert from 'uvu/assert';
import { isRecord } from '../../src/core/values.ts';
import { itemsOf, member } from './contract.ts';
import { startDependencyTrack, type TestFinding } from './dependency-track.ts';
import { cycloneDx, sbomForm } from './fixtures.ts';
import { startTestPortal } from './portal.ts';
import { newProject, scanToEnd } from './scans.ts';

interface Outcome { status: string; warnings: string; skipped: unknown[]; id: string }

/** @param environment settings that differ from the defaults */
export async function startPortalWithDependencyTrack(environment: Record<string, string> = {}) {
  const server = await startDependencyTrack();
  const { portal, admin, database } = await startTestPortal({ DT_URL: `${server.url}/api/`, DT_API_KEY: server.key, ...environment });

  async function scan(project: string, ref: string, ...purls: string[]): Promise<Outcome> {
    const { id } = await scanToEnd(admin, project, sbomForm(cycloneDx(purls.map((purl) => ({ purl }))), ref === '' ? {} : { ref }));
    const { body } = await admin.expect(200, 'getScan', { path: { id } });
    const skipped = member(body, 'skipped_steps');
    return { id, status: String(member(body, 'status')), warnings: JSON.stringify(member(body, 'warnings')), skipped: Array.isArray(skipped) ? skipped.filter(isRecord).map(({ step }) => step) : [] };
  }
  async function rows(project: string, query: Record<string, string> = {}): Promise<Record<string, unknown>[]> {
    const { body } = await admin.expect(200, 'listProjectVulnerabilities', { path: { id: project }, query: { sort: 'cve_id', ...query } });
    return itemsOf(body);
  }
  const shown = async (project: string, query: Record<string, string> = {}): Promise<string[]> =>
    (await rows(project, query)).map(({ cve_id, status, sources }) => `${String(cve_id)} ${String(status)} ${Array.isArray(sources) ? sources.join('+') : ''}`);
  async function health(): Promise<{ status: unknown; detail: string }> {
    const parts = member((await admin.expect(200, 'getAdminHealth')).body, 'components');
    const part = (Array.isArray(parts) ? parts.filter(isRecord) : []).find(({ name }) => name === 'dependency_track');
    return { status: part?.['status'], detail: String(part?.['detail']) };
  }
  /** A project whose component `name` Dependency-Track alone reports on. */
  async function reported(name: string, finding: Partial<TestFinding> & { id: string }): Promise<{ project: string; purl: string; again: () => Promise<Outcome> }> {
    const project = await newProject(admin);
    const purl = `pkg:npm/${name}@1.0.0`;
    server.findings.push({ purl, ...finding });
    const outcome = await scan(project, '', purl);
    assert.equal([outcome.status, outcome.skipped], ['succeeded', []], outcome.warnings);
    return { project, purl, again: () => scan(project, '', purl) };
  }
  return { server, portal, admin, database, scan, rows, shown, health, reported };
}
