/**
 * Where links in mails, chats, comments and commit statuses lead, for a portal without a dashboard in front of it: who is not logged in gets a form, then the report of the project or scan, or a
 * table. The pages hold no data: they ask the API as whoever is logged in.
 */
import { htmlPage, PAGE_STYLE, servePages, type PageFile } from './pages.ts';
import { RESULT_SCRIPT } from './result-page-script.ts';

/** The report has its style within it, and may run nothing: its frame is sandboxed. */
const CSP = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

const STYLE = `${PAGE_STYLE}main.wide { max-width: 70rem; margin-top: 3rem; }
label { display: block; margin-bottom: 0.75rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 0.4rem 0.75rem; border-bottom: 1px solid #8886; overflow-wrap: anywhere; }
th::first-letter { text-transform: uppercase; }
iframe { position: fixed; inset: 0; width: 100%; height: 100%; border: 0; background: Canvas; }
`;
const FILES: ReadonlyMap<string, PageFile> = new Map([
  ['/result-page.css', { type: 'text/css; charset=utf-8', body: STYLE, csp: CSP }],
  ['/result-page.js', { type: 'text/javascript; charset=utf-8', body: RESULT_SCRIPT, csp: CSP }],
]);

interface View {
  title: string;
  /** What is asked for and shown: a page as it is, a list as a table, which says so where it does not show all. */
  api: string;
  /** Of a table. */
  columns?: readonly string[];
  /** Of a scan, to tell why it has no report. */
  scan?: string;
  /** Where a name leads, with the id behind it. */
  link?: string;
}

const ID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const VIEWS: readonly { path: RegExp; view: (project: string, scan: string) => View }[] = [
  { path: /^\/(?:login)?$/, view: () => ({ title: 'Projects', api: 'v1/projects?limit=200&sort=name', columns: ['name', 'slug', 'description', 'updated_at'], link: 'projects/' }) },
  { path: new RegExp(`^/projects/(${ID})(?:/vulnerabilities|/gate)?$`, 'i'), view: (project) => ({ title: 'Report', api: `v1/projects/${project}/report` }) },
  { path: new RegExp(`^/projects/(${ID})/scans/(${ID})$`, 'i'), view: (project, scan) => ({ title: 'Report', api: `v1/projects/${project}/report?scan_id=${scan}`, scan: `v1/scans/${scan}` }) },
  { path: new RegExp(`^/projects/(${ID})/approvals$`, 'i'), view: (project) => ({ title: 'Approvals', api: `v1/approvals?project_id=${project}&limit=200`, columns: ['component_name', 'component_purl', 'license_expression', 'status', 'requested_at', 'decision_note'] }) },
  { path: /^\/admin\/disk$/, view: () => ({ title: 'Disk', api: 'v1/admin/disk', columns: ['name', 'status', 'used_pct', 'free_bytes', 'total_bytes', 'path'] }) },
  { path: /^\/admin\/backup$/, view: () => ({ title: 'Backups', api: 'v1/admin/backup?limit=200', columns: ['name', 'kind', 'status', 'size_bytes', 'error_message', 'created_at'] }) },
];

export const resultPages = servePages((path, up) => FILES.get(path) ?? viewAt(path, up));

function viewAt(path: string, up: string): PageFile | undefined {
  for (const { path: pattern, view } of VIEWS) {
    const found = pattern.exec(path);
    const [, project = '', scan = ''] = found ?? [];
    if (found !== null) return { type: 'text/html; charset=utf-8', body: pageOf(view(project, scan), up), csp: CSP };
  }
  return undefined;
}

function pageOf({ title, api, columns = [], scan, link }: View, up: string): string {
  const data = Object.entries({ up, api, columns: columns.join(' '), scan, link }).map(([name, value]) => (value === undefined ? '' : ` data-${name}="${value.replaceAll('&', '&amp;')}"`)).join('');
  return htmlPage(title, `<h1>${title}</h1>
<form hidden>
<label>E-mail address<br><input name="email" type="email" required autocomplete="username"></label>
<label>Password<br><input name="password" type="password" maxlength="256" required autocomplete="current-password"></label>
<p><button>Log in</button></p>
</form>
<p><output>One moment ...</output></p>
<noscript><p>This page needs JavaScript. The API does without: <a href="${up}api/docs">its documentation</a>.</p></noscript>`, 'result-page', up, data);
}
