/** The words of notifications. Pure. */
import { cut } from '../../core/values.ts';
import type { NoticeRow, Told } from '../../db/notices.ts';

const TITLE = 256;
const BODY = 1024;

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
const count = (value: unknown): number => (typeof value === 'number' ? value : 0);
const many = (number: number, one: string, several = `${one}s`): string => `${number} ${number === 1 ? one : several}`;

export function wordsOf({ id, kind, project_id: projectId, project_name, facts }: NoticeRow): Told {
  const project = `/projects/${projectId ?? ''}`;
  const name = project_name ?? '';
  const tell = (title: string, body: string, link: string, target: [table: string, id: string | null]): Told =>
    ({ id, title: cut(title, TITLE), body: cut(body, BODY), link, target_table: target[1] === null ? null : target[0], target_id: target[1] });
  const scanId = text(facts['scan_id']);
  const scan: [string, string | null] = ['scans', scanId];
  const ref = text(facts['ref']);
  switch (kind) {
    case 'cve_detected': {
      const [critical, high] = [count(facts['critical']), count(facts['high'])];
      const what = [...(critical > 0 ? [`${critical} critical`] : []), ...(high > 0 ? [`${high} high`] : [])].join(' and ');
      const source = facts['source'] === 'import' ? 'New advisories speak of components that the project has.' : 'A scan found them.';
      return tell(`${what} ${critical + high === 1 ? 'vulnerability' : 'vulnerabilities'} new in ${name}`, source, `${project}/vulnerabilities`, ['projects', projectId]);
    }
    case 'scan_completed':
      return tell(`The scan of ${name} has finished`, `${ref === null ? '' : `${ref}: `}${many(count(facts['components']), 'component')}.`, `${project}/scans/${scanId ?? ''}`, scan);
    case 'scan_failed':
      return tell(`The scan of ${name} has failed`, `${ref === null ? '' : `${ref}: `}${text(facts['message']) ?? ''}`, `${project}/scans/${scanId ?? ''}`, scan);
    case 'gate_changed':
      return tell(`The gate of ${name} is ${text(facts['outcome']) ?? ''}`, `${text(facts['previous']) === null ? '' : `It was ${text(facts['previous']) ?? ''}. `}${text(facts['reason']) ?? 'No rule of the policy is broken.'}`, `${project}/gate`, scan);
    case 'approval_pending':
      return tell(`${many(count(facts['count']), 'component waits', 'components wait')} for approval in ${name}`, 'Their licences are conditional: a team admin decides.', `${project}/approvals`, ['projects', projectId]);
    case 'approval_state_changed':
      return tell(`${text(facts['component']) ?? 'A component'} in ${name} is ${(text(facts['status']) ?? '').replace('_', ' ')}`, text(facts['note']) ?? `Its licence is ${text(facts['license']) ?? 'not known'}.`, `${project}/approvals`, ['approvals', text(facts['approval_id'])]);
    case 'disk_pressure':
      return tell(facts['level'] === 'hard' ? 'The disk is full: new scans are refused' : 'The disk is nearly full', `${count(facts['used_percent'])} % are used; from ${count(facts['limit_percent'])} % new scans are refused.`, '/admin/disk', ['disk', null]);
    case 'backup_failed':
      return tell('A backup has failed', `${text(facts['name']) ?? ''}: ${text(facts['message']) ?? ''}`, '/admin/backup', ['backups', null]);
  }
}
