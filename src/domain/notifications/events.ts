/** The bodies of signed webhooks, as the contract lists them under `webhooks`. */
import type { components } from '../../../generated/api.ts';
import type { Db } from '../../db/connect.ts';
import { eventApprovals, eventFindings, eventProjects, eventScans, type EventProject, type EventScanRow } from '../../db/event-facts.ts';
import type { NoticeRow } from '../../db/notices.ts';

type Schemas = components['schemas'];
type Event = Schemas['FindingCreatedEvent'] | Schemas['ScanFinishedEvent'] | Schemas['ScanFailedEvent'] | Schemas['GateChangedEvent'] | Schemas['ApprovalRequestedEvent'] | Schemas['ApprovalDecidedEvent'] | Schemas['DiskPressureEvent'] | Schemas['BackupFailedEvent'];

const MAX_LISTED = 100;
const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
const count = (value: unknown): number => (typeof value === 'number' ? value : 0);
const ids = (value: unknown): string[] => (Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []);
const outcome = (value: unknown): 'pass' | 'warn' | 'fail' | null => (value === 'pass' || value === 'warn' || value === 'fail' ? value : null);

interface Known {
  projects: ReadonlyMap<string, EventProject>;
  scans: ReadonlyMap<string, EventScanRow>;
  findings: readonly Schemas['FindingCreatedEvent']['data']['findings'][number][];
  approvals: readonly Schemas['EventApproval'][];
}

/** One for each notice, by its id; none for notices of what has gone meanwhile. */
export async function eventsOf(db: Db, notices: readonly NoticeRow[]): Promise<ReadonlyMap<number, Event>> {
  const known: Known = {
    projects: new Map((await eventProjects(db, notices.flatMap(({ project_id: id }) => id ?? []))).map((one) => [one.id, one])),
    scans: new Map((await eventScans(db, notices.filter(({ kind }) => kind === 'scan_completed' || kind === 'scan_failed').flatMap(({ facts }) => text(facts['scan_id']) ?? []))).map((one) => [one.scan.id, one])),
    findings: await eventFindings(db, notices.flatMap(({ facts }) => ids(facts['finding_ids']))),
    approvals: await eventApprovals(db, notices.flatMap(({ facts }) => [...ids(facts['approval_ids']), ...ids([facts['approval_id']])])),
  };
  return new Map(notices.flatMap((notice): [number, Event][] => {
    const project = notice.project_id === null ? undefined : known.projects.get(notice.project_id);
    const event = project === undefined ? ofInstallation(notice) : ofProject(notice, project, known);
    return event === null ? [] : [[notice.id, event]];
  }));
}

function ofProject({ kind, facts, created_at: timestamp }: NoticeRow, project: EventProject, known: Known): Event | null {
  const scanned = known.scans.get(text(facts['scan_id']) ?? '');
  switch (kind) {
    case 'cve_detected': {
      const wanted = new Set(ids(facts['finding_ids']));
      const findings = known.findings.filter(({ id }) => wanted.has(id));
      return { type: 'finding.created', timestamp, data: { project, source: facts['source'] === 'import' ? 'import' : 'scan', total: Math.max(1, count(facts['critical']) + count(facts['high'])), findings } };
    }
    case 'scan_completed':
      return scanned === undefined ? null : { type: 'scan.finished', timestamp, data: { project, scan: scanned.scan, component_count: scanned.component_count, severity_summary: scanned.severity_summary } };
    case 'scan_failed':
      return scanned === undefined ? null : { type: 'scan.failed', timestamp, data: { project, scan: scanned.scan, error: scanned.error ?? { code: 'internal', message: '' } } };
    case 'gate_changed': {
      const [gate, scanId] = [outcome(facts['outcome']), text(facts['scan_id'])];
      const data = { project, previous_gate: outcome(facts['previous']), reason: text(facts['reason']), critical_cve_count: count(facts['critical']), forbidden_license_count: count(facts['forbidden']), evaluated_at: timestamp };
      return gate === null || scanId === null ? null : { type: 'gate.changed', timestamp, data: { ...data, gate, scan_id: scanId } };
    }
    case 'approval_pending': {
      const wanted = new Set(ids(facts['approval_ids']));
      return { type: 'approval.requested', timestamp, data: { project, total: Math.max(1, count(facts['count'])), approvals: known.approvals.filter(({ id }) => wanted.has(id)).slice(0, MAX_LISTED) } };
    }
    case 'approval_state_changed': {
      const approval = known.approvals.find(({ id }) => id === facts['approval_id']);
      const isDecision = facts['status'] === 'approved' || facts['status'] === 'rejected'; // of a notice of before, which is told after the decision, the approval would tell it a second time
      return approval === undefined || !isDecision || approval.status !== facts['status'] ? null : { type: 'approval.decided', timestamp, data: { project, approval } };
    }
    case 'disk_pressure':
    case 'backup_failed':
      return null;
  }
}

function ofInstallation({ kind, facts, created_at: timestamp }: NoticeRow): Event | null {
  if (kind === 'disk_pressure') return { type: 'disk.pressure', timestamp, data: { level: facts['level'] === 'hard' ? 'hard' : 'warning', used_percent: count(facts['used_percent']), limit_percent: count(facts['limit_percent']) } };
  if (kind === 'backup_failed') return { type: 'backup.failed', timestamp, data: { name: text(facts['name']) ?? '', message: text(facts['message']) ?? '' } };
  return null;
}
