/** The findings of a scan as SARIF, for code scanning. */
import { findingsState } from '../../db/scan-findings.ts';
import { sarifResults, sarifRules } from '../../db/sarif.ts';
import type { Context } from '../context.ts';
import { writeSarif } from '../formats/write-sarif.ts';
import { tagOf, viewForDocument, type ProjectDocument } from './view.ts';

/** Of the current scan or the named one; without results where the project has no succeeded scan. Throws not-found, scan-not-finished. */
export async function exportSarif(context: Context, projectId: string, scanId: string | undefined): Promise<ProjectDocument<'application/sarif+json'>> {
  const { db } = context;
  const { project, scan, source: { head } } = await viewForDocument(context, projectId, scanId);
  const state = scan === undefined ? '' : await findingsState(db, scan.id);
  const repository = project.git_url === null || scan?.kind !== 'source' ? null : { uri: project.git_url, revision: scan.commit_sha, branch: scan.ref };
  const category = ['sca-portal', project.slug, scan?.ref ?? project.default_branch ?? ''].filter((part) => part !== '').join('/');
  const text = writeSarif({ head, category, repository, results: () => (scan === undefined ? Promise.resolve([]) : sarifResults(db, scan.id)), rules: (ids) => sarifRules(db, ids) });
  return { etag: tagOf(['sarif', head, state, repository, category]), mediaType: 'application/sarif+json', fileName: `${project.slug}.sarif`, text };
}
