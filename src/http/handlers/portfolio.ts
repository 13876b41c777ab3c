/** Searching over all projects that the caller may see. */
import { searchComponents } from '../../domain/portfolio/components.ts';
import { getVulnerability, listVulnerabilities, listVulnerabilityProjects } from '../../domain/portfolio/vulnerabilities.ts';
import { ok } from '../reply.ts';
import type { Handlers } from '../types.ts';

export const portfolio = {
  listVulnerabilities: async (context, { query, page }) => {
    const { q: text, severity, status, kev, min_epss: minEpss, fix_available: fixAvailable, team_id: teamId } = query;
    return ok(await listVulnerabilities(context, { text, severity, status, kev, minEpss, fixAvailable, teamId }, page));
  },
  getVulnerability: async (context, { path }) => ok(await getVulnerability(context, path.vulnerability_id)),
  listVulnerabilityProjects: async (context, { path, query, page }) =>
    ok(await listVulnerabilityProjects(context, path.vulnerability_id, { status: query.status, mainLine: query.main_line, teamId: query.team_id }, page)),
  listComponents: async (context, { query, page }) => ok(await searchComponents(context, { purl: query.purl, text: query.q, version: query.version, vulnerable: query.vulnerable, teamId: query.team_id }, page)),
} satisfies Partial<Handlers>;
