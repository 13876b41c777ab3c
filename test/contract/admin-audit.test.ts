/** The audit log: found by every filter, exported as spreadsheets may open it, and never changed. And what the disk has left. */
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { itemsOf, member, type ContractClient } from '../support/contract.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, newUser } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { portal, anonymous, admin, database } = await startTestPortal();
const { db } = database;
type Query = Record<string, string | number | boolean | string[]>;
const entries = async (query: Query, client: ContractClient = admin): Promise<Record<string, unknown>[]> => {
  return itemsOf((await client.expect(200, 'listAdminAudit', { query })).body);
};
const user = await newUser(anonymous, database, 'team_admin');
const project = String(member((await user.client.expect(201, 'createProject', { json: { name: 'Audited', team_id: user.teamId, git_url: 'https://me:hush-hush@example.com/a/b.git' }, headers: { 'X-Request-ID': 'make-1' } })).body, 'id'));
await user.client.expect(200, 'updateProject', { path: { id: project }, headers: { 'If-Match': '1', 'X-Request-ID': 'change-1' }, json: { name: '=cmd|\' /C calc\'!A0', description: 'a "b"\nc, d' } });

const list = suite('listAdminAudit');
list('is found by every filter, and by several at once', async () => {
  const [change] = await entries({ request_id: 'change-1' });
  assert.equal(['operation', 'action', 'target_table', 'target_id', 'actor_user_id', 'actor_kind', 'team_id', 'project_id', 'ip'].map((name) => change?.[name]), ['updateProject', 'update', 'projects', project, user.id, 'user', user.teamId, project, '127.0.0.1']);
  const at = String(change?.['created_at']);
  for (const filter of [{ actor_user_id: user.id }, { team_id: user.teamId }, { project_id: project }, { target_table: 'projects' }, { target_id: project }, { action: 'update' }, { q: 'CALC' }, { from: at }, { to: new Date(Date.parse(at) + 1).toISOString() }, { target_table: ['projects', 'teams'], action: ['update', 'create'] }]) {
    assert.ok((await entries({ ...filter, limit: 200 })).some((one) => one['id'] === change?.['id']), JSON.stringify(filter));
  }
  for (const filter of [{ actor_user_id: project }, { team_id: project }, { project_id: user.id }, { target_table: 'scans' }, { target_id: user.id }, { action: 'delete' }, { q: 'nothing like it' }, { to: at }, { from: new Date(Date.parse(at) + 1).toISOString() }]) {
    assert.not.ok((await entries({ request_id: 'change-1', ...filter })).some((one) => one['id'] === change?.['id']), JSON.stringify(filter));
  }
  assert.not.match(JSON.stringify(await entries({ target_id: project })), /hush-hush/);
});
list('goes on by cursor, both ways, while entries are added', async () => {
  for (let place = 0; place < 5; place += 1) await newProject(user.client, { team_id: user.teamId });
  for (const sort of ['-created_at', 'created_at']) {
    const whole = (await entries({ actor_user_id: user.id, sort, limit: 200 })).map((one) => one['id']);
    const seen: unknown[] = [];
    for (let cursor: string | undefined = ''; cursor !== undefined; ) {
      const { body } = await admin.expect(200, 'listAdminAudit', { query: { actor_user_id: user.id, sort, limit: 2, ...(cursor === '' ? {} : { cursor }) } });
      const items = member(body, 'items');
      if (Array.isArray(items)) seen.push(...items.map((one) => member(one, 'id')));
      const next = member(body, 'next_cursor');
      cursor = typeof next === 'string' ? next : undefined;
    }
    assert.equal(seen, whole, sort);
  }
  await admin.refused('invalid-request', 'listAdminAudit', { query: { cursor: project } });
  await user.client.refused('not-found', 'listAdminAudit');
});
list('a refused log-in is an entry, without what was typed', async () => {
  await anonymous.refused('invalid-credentials', 'loginUser', { json: { email: 'nobody@example.com', password: 'typed-by-mistake-1' } });
  const [refused] = await entries({ action: 'refuse' });
  assert.equal([refused?.['operation'], refused?.['actor_kind']], ['loginUser', 'anonymous']);
  assert.not.match(JSON.stringify(refused), /typed-by-mistake|nobody@example/);
});
list('the database refuses to change or remove entries, also to the portal itself', async () => {
  for (const statement of [sql`UPDATE audit_log SET action = 'x'`, sql`DELETE FROM audit_log`, sql`TRUNCATE audit_log`, sql`DELETE FROM audit_log WHERE false`]) {
    const error = await statement.execute(db).then(() => null, (fault: unknown) => fault);
    assert.match(String(error), /append-only/);
  }
});

const out = suite('exportAdminAudit');
const csvOf = async (query: Query): Promise<{ text: string; headers: Headers }> => {
  const url = new URL(`${portal.url}/v1/admin/audit/export.csv`);
  for (const [name, value] of Object.entries(query)) for (const one of [value].flat()) url.searchParams.append(name, String(one));
  const answer = await fetch(url, { headers: { Authorization: `Bearer ${admin.token ?? ''}` } });
  return { text: new TextDecoder('utf-8', { ignoreBOM: true }).decode(await answer.arrayBuffer()), headers: answer.headers };
};
/** RFC 4180. */
function parse(text: string): string[][] {
  const rows: string[][] = [[]];
  for (const [, quoted, plain = '', end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/g)) {
    if (end === '' && quoted === undefined && plain === '') break;
    rows.at(-1)?.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === '\r\n') rows.push([]);
  }
  return rows.filter((row) => row.length > 0);
}
out('is CSV with a byte order mark, in which no cell is a formula', async () => {
  await sql`INSERT INTO audit_log (actor_kind, actor_email, operation, action, target_table, target_id, user_agent) VALUES ('user', '=HYPERLINK("http://x")', 'test', 'injected', '+table', '-id', E'\tx')`.execute(db);
  const { text, headers } = await csvOf({ action: 'injected' });
  assert.is(text.charCodeAt(0), 0xfeff);
  assert.match(headers.get('Content-Type') ?? '', /^text\/csv/);
  assert.match(headers.get('Content-Disposition') ?? '', /^attachment; filename="audit-\d{8}T\d{6}Z\.csv"$/);
  const [head, row, ...others] = parse(text.slice(1));
  assert.equal([head?.[0], head?.at(-1), others.length], ['created_at', 'diff', 0]);
  const cell = (name: string): string | undefined => row?.[head?.indexOf(name) ?? -1];
  assert.equal(['actor_email', 'target_table', 'target_id', 'user_agent'].map(cell), ["'=HYPERLINK(\"http://x\")", "'+table", "'-id", "'\tx"]);
  const changed = parse((await csvOf({ request_id: 'change-1' })).text.slice(1));
  const diff: unknown = JSON.parse(changed[1]?.at(-1) ?? '');
  assert.equal([changed.length, member(diff, 'description')], [2, 'a "b"\nc, d']);
});
out('has every entry once, more than fit in memory at a time, and is an entry itself', async () => {
  await sql`INSERT INTO audit_log (actor_kind, operation, action, target_table, target_id) SELECT 'system', 'test', 'many', 'rows', n::text FROM generate_series(1, 2500) n`.execute(db);
  const rows = parse((await csvOf({ action: 'many' })).text.slice(1));
  assert.equal([rows.length, new Set(rows.map((row) => row[5])).size], [2501, 2501]);
  await admin.expect(200, 'exportAdminAudit', { query: { action: 'many', to: '2000-01-01T00:00:00Z' } });
  const [, entry] = await entries({ action: 'export', limit: 2 });
  assert.equal([entry?.['operation'], member(entry, 'diff', 'actions', 0)], ['exportAdminAudit', 'many']);
  await user.client.refused('not-found', 'exportAdminAudit');
});
out('a client that goes away ends the reading', async () => {
  await sql`INSERT INTO audit_log (actor_kind, operation, action, target_table, user_agent) SELECT 'system', 'test', 'endless', 'rows', repeat('x', 500) FROM generate_series(1, 60000) n`.execute(db);
  const abort = new AbortController();
  const answer = await fetch(`${portal.url}/v1/admin/audit/export.csv?action=endless`, { headers: { Authorization: `Bearer ${admin.token ?? ''}` }, signal: abort.signal });
  const reader = answer.body?.getReader();
  assert.ok(reader);
  await reader.read();
  abort.abort();
  const reading = async (): Promise<number> => (await sql`SELECT FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%audit_log a%' AND pid <> pg_backend_pid() AND datname = current_database()`.execute(db)).rows.length;
  const deadline = Date.now() + 5_000;
  for (let quiet = 0; quiet < 20; ) {
    quiet = (await reading()) === 0 ? quiet + 1 : 0;
    assert.ok(Date.now() < deadline, 'it reads on');
  }
});

const disk = suite('getAdminDisk');
disk('tells the volume, what is used of it, and the thresholds', async () => {
  const { body } = await admin.expect(200, 'getAdminDisk');
  const total = Number(member(body, 'items', 0, 'total_bytes'));
  assert.ok(total > 0);
  assert.is(Number(member(body, 'items', 0, 'used_bytes')) + Number(member(body, 'items', 0, 'free_bytes')), total);
  assert.equal(['name', 'threshold_warning', 'threshold_critical', 'error'].map((name) => member(body, 'items', 0, name)), ['workspace', 80, 95, null]);
  assert.equal([member(body, 'items', 1, 'name'), Number(member(body, 'items', 1, 'used_bytes')) > 0], ['postgres', true]);
  await user.client.refused('not-found', 'getAdminDisk');
});
disk('warns, and is down, by the thresholds that are set', async () => {
  const status = async (settings: Record<string, string>): Promise<unknown[]> => {
    const other = await startTestPortal(settings);
    const disk = await other.admin.expect(200, 'getAdminDisk');
    const health = await other.admin.expect(200, 'getAdminHealth');
    const parts = member(health.body, 'components');
    return [member(disk.body, 'items', 0, 'status'), Array.isArray(parts) ? member(parts.find((one) => member(one, 'name') === 'disk'), 'status') : null];
  };
  const used = Number(member((await admin.expect(200, 'getAdminDisk')).body, 'items', 0, 'used_pct'));
  const below = Math.max(1, Math.floor(used) - 1);
  assert.equal(await status({ DISK_WARNING_PERCENT: String(below), DISK_HARD_LIMIT_PERCENT: '100' }), used >= below ? ['degraded', 'degraded'] : ['ok', 'ok']);
  assert.equal(await status({ DISK_WARNING_PERCENT: '100', DISK_HARD_LIMIT_PERCENT: '100' }), ['ok', 'ok']);
});
