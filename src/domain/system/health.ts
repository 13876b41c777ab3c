/** How each part of the installation does. Each is asked for itself and has a short time: one that hangs keeps no other from being told. */
import type { components } from '../../../generated/api.ts';
import { lastBackups } from '../../db/backups.ts';
import { askBriefly, failedJobs, presentWorkers, queueHealth, scanHealth, serverVersion } from '../../db/health.ts';
import { BREAKER_FAILURES, findBreaker, type BreakerRow } from '../../db/circuit-breakers.ts';
import type { Db, Tx } from '../../db/connect.ts';
import { pendingMigrations } from '../../db/migrate.ts';
import { findProgram } from '../../integrations/programs.ts';
import type { Context } from '../context.ts';
import { DEPENDENCY_TRACK } from '../scans/second-opinion.ts';
import { volumeOf } from './disk.ts';
import { vulnerabilitySources, type AgedSource } from './sources.ts';

export type AdminHealth = components['schemas']['AdminHealth'];
type Component = AdminHealth['components'][number];
type Judgement = Omit<Component, 'name'>;

const PART_MS = 2_000;
const STATEMENT_MS = 1_500;
const WORKER_SECONDS = 60;
const SLOW_QUEUE_SECONDS = 900;
const OLD_BACKUP_DAYS = 8;
const GRADES = ['ok', 'degraded', 'down'] as const;

const fine = (value: number | null = null, detail: string | null = null): Judgement => ({ status: 'ok', detail, value });

export async function getAdminHealth(context: Context): Promise<AdminHealth> {
  const sources = asked(context, 'vulnerability_data', (tx) => vulnerabilitySources(tx, context));
  const parts = await Promise.all([
    part(context, 'postgres', (tx) => serverVersion(tx), (version) => fine(null, `PostgreSQL ${version}`)),
    part(context, 'migrations', (tx: Db) => pendingMigrations(tx), (pending) => (pending.length === 0 ? fine(0) : { status: 'down', detail: `Pending: ${pending.join(', ')}.`, value: pending.length })),
    part(context, 'queue', queueHealth, judgeQueue),
    part(context, 'workers', (tx) => presentWorkers(tx, WORKER_SECONDS), judgeWorkers),
    other(context, 'disk', () => judgeDisk(context)),
    settled('vulnerability_data', sources, judgeSources),
    part(context, 'backups', lastBackups, (last) => judgeBackups(last, context.config.BACKUP_SCHEDULE)),
    ...(context.mailer === null ? [] : [part(context, 'mail', (tx) => failedJobs(tx, 'send-mail'), judgeMail)]),
    ...(context.config.DT_URL === null ? [] : [part(context, 'dependency_track', async (tx) => (await findBreaker(tx, DEPENDENCY_TRACK)) ?? null, judgeDependencyTrack)]),
    other(context, 'git', async () => ((await findProgram('git', null)) === null ? { status: 'degraded', detail: 'Not installed: repositories cannot be scanned.', value: null } : fine())),
    other(context, 'trivy', () => judgeTrivy(context.config.TRIVY_PATH)),
    part(context, 'active_scans', scanHealth, ({ queued, running }) => fine(queued + running, `${running} running, ${queued} queued`)),
    part(context, 'last_24h_errors', scanHealth, ({ failed, ended }) => ({ status: failed >= 5 && failed * 2 > ended ? 'degraded' : 'ok', detail: `${failed} of ${ended} scans failed.`, value: failed })),
  ]);
  return {
    status: GRADES[Math.max(...parts.map(({ status }) => GRADES.indexOf(status)))] ?? 'down',
    components: parts, vulnerability_sources: ((await sources) ?? []).map(({ source }) => source), updated_at: context.now().toISOString(),
  };
}

/** The answer of the database; null where there was none in time, which the log explains. */
function asked<T>(context: Context, name: Component['name'], ask: (tx: Tx) => Promise<T>): Promise<T | null> {
  return inTime(context, name, () => askBriefly(context.db, STATEMENT_MS, ask));
}

async function inTime<T>({ log }: Context, name: string, work: () => Promise<T>): Promise<T | null> {
  const running = work().catch((error: unknown) => {
    log.warn({ err: error, part: name }, 'health could not be judged');
    return null;
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => { timer = setTimeout(() => resolve(null), PART_MS); });
  return Promise.race([running, late]).finally(() => clearTimeout(timer));
}

const settled = async <T>(name: Component['name'], answer: Promise<T | null>, judge: (answer: T) => Judgement): Promise<Component> => {
  const found = await answer;
  return { name, ...(found === null ? { status: 'down', detail: `No answer within ${PART_MS / 1000} s, or an error that the log explains.`, value: null } : judge(found)) };
};
const part = <T>(context: Context, name: Component['name'], ask: (tx: Tx) => Promise<T>, judge: (answer: T) => Judgement): Promise<Component> => settled(name, asked(context, name, ask), judge);
const other = (context: Context, name: Component['name'], look: () => Promise<Judgement>): Promise<Component> => settled(name, inTime(context, name, look), (judgement) => judgement);

function judgeQueue({ ready, oldest }: Awaited<ReturnType<typeof queueHealth>>): Judgement {
  if (oldest === null) return fine(0);
  const waits = `The oldest, ${oldest.name}, has waited for ${Math.round(oldest.seconds)} s.`;
  return { status: oldest.seconds > SLOW_QUEUE_SECONDS ? 'degraded' : 'ok', detail: waits, value: ready };
}

function judgeWorkers(workers: readonly { host: string; pid: number }[]): Judgement {
  if (workers.length === 0) return { status: 'down', detail: `None was seen within ${WORKER_SECONDS} s: nothing is scanned, fetched or sent.`, value: 0 };
  return fine(workers.length, workers.slice(0, 10).map(({ host, pid }) => `${host} (pid ${pid})`).join(', '));
}

function judgeBackups({ days, error }: Awaited<ReturnType<typeof lastBackups>>, schedule: string): Judgement {
  const value = days === null ? null : Math.round(10 * days) / 10;
  if (error !== null) return { status: 'degraded', detail: `The last one failed: ${error}`, value };
  if (value === null) return fine(null, schedule === 'off' ? 'None was ever made, and BACKUP_SCHEDULE is off.' : 'None was made yet.');
  return value > OLD_BACKUP_DAYS ? { status: 'degraded', detail: `The last one is ${value} days old.`, value } : fine(value);
}

async function judgeDisk({ config }: Context): Promise<Judgement> {
  const used = Math.round(10 * (await volumeOf(config.DATA_DIR)).usedPercent) / 10;
  if (used >= config.DISK_HARD_LIMIT_PERCENT) return { status: 'down', detail: `New scans are refused from ${config.DISK_HARD_LIMIT_PERCENT} %.`, value: used };
  return used >= config.DISK_WARNING_PERCENT ? { status: 'degraded', detail: `New scans will be refused from ${config.DISK_HARD_LIMIT_PERCENT} %.`, value: used } : fine(used);
}

const judgeMail = (failed: number): Judgement => (failed === 0 ? fine(0) : { status: 'degraded', detail: `${failed} mails could not be sent within a day.`, value: failed });

/** By what scans have seen of it: it is not asked for this page. */
function judgeDependencyTrack(breaker: BreakerRow | null): Judgement {
  if (breaker === null) return fine(0, 'No scan has asked it yet.');
  const { failures, open_until, half_open, error, succeeded_at } = breaker;
  if (failures === 0) return fine(0, succeeded_at === null ? null : `Answered last at ${succeeded_at}.`);
  if (open_until === null) return { status: 'degraded', detail: `Failed ${failures} times in a row; after ${BREAKER_FAILURES} scans go on without it. ${error ?? ''}`.trim(), value: failures };
  return { status: 'down', detail: `Scans go on without it: failed ${failures} times in a row, ${half_open ? 'and the next scan tries it' : `tried again at ${open_until}`}. ${error ?? ''}`.trim(), value: failures };
}

async function judgeTrivy(configured: string | null): Promise<Judgement> {
  if ((await findProgram('trivy', configured)) !== null) return fine();
  return configured === null ? fine(null, 'Not installed: images cannot be scanned.') : { status: 'degraded', detail: 'TRIVY_PATH names no program: images cannot be scanned.', value: null };
}

function judgeSources(sources: readonly AgedSource[]): Judgement {
  const ages = sources.flatMap(({ source, days }) => (days === null || source.name === 'files' ? [] : [days]));
  const value = ages.length === 0 ? null : Math.max(...ages);
  const wrong = sources.filter(({ source }) => source.status !== 'ok');
  if (sources.every(({ source }) => source.name === 'files')) return { status: 'degraded', detail: 'No source of vulnerability data has come yet.', value };
  if (wrong.length === 0) return fine(value);
  return { status: 'degraded', detail: wrong.slice(0, 10).map(({ source: { name, status }, days }) => (status === 'never' ? `${name} has never come.` : `${name} came ${days ?? 0} days ago.`)).join(' '), value };
}
