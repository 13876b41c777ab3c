/**
 * Sequences of requests against a model: rows are created (again, with the same Idempotency-Key, at once), read, changed with versions that are right, stale or
 * missing, by two at once, removed, and used after that. What each answer has to be, and which rows there are in the end, the model says.
 */
import fc from 'fast-check';
import { sql } from 'kysely';
import * as assert from 'uvu/assert';
import { messageOf } from '../../src/core/values.ts';
import type { OperationId } from '../../src/http/types.ts';
import { member, type Answer, type ContractClient } from '../support/contract.ts';
import { runsOf, SEED } from '../support/fuzz/settings.ts';
import { startTestPortal } from '../support/portal.ts';
import { newUser } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { admin, anonymous, database } = await startTestPortal({ ALLOW_PRIVATE_ADDRESSES: '127.0.0.0/8' }, { api: true, worker: false });
const second = await newUser(anonymous, database, 'developer');
await sql`UPDATE users SET is_super_admin = true WHERE id = ${second.id}`.execute(database.db);
const callers: readonly [ContractClient, ContractClient] = [admin, second.client];

interface Resource {
  create: OperationId;
  read: OperationId;
  change: OperationId;
  remove: OperationId;
  table: string;
  /** Column that holds the text that `draft` was given. */
  column: string;
  draft: (text: string) => Record<string, unknown>;
  patch: (text: string) => Record<string, unknown>;
  /** Its owner alone may use it. */
  own?: boolean;
  /** Removed rows stay readable, and refuse changes with this. */
  archives?: string;
}

const RESOURCES: Readonly<Record<string, Resource>> = {
  projects: { create: 'createProject', read: 'getProject', change: 'updateProject', remove: 'deleteProject', table: 'projects', column: 'name', draft: (name) => ({ name, team_id: second.teamId }), patch: (description) => ({ description }), archives: 'project-archived' },
  'license policies': { create: 'createLicensePolicy', read: 'getLicensePolicy', change: 'updateLicensePolicy', remove: 'deleteLicensePolicy', table: 'license_policies', column: 'license', draft: (license) => ({ scope: 'organization', tier: 'allowed', license: `LicenseRef-${license}` }), patch: (reason) => ({ reason }) },
  'notification channels': { create: 'createNotificationChannel', read: 'getNotificationChannel', change: 'updateNotificationChannel', remove: 'deleteNotificationChannel', table: 'notification_channels', column: 'name', draft: (name) => ({ type: 'webhook', scope: 'organization', name, url: 'https://127.0.0.1:1/x' }), patch: (text) => ({ url: `https://127.0.0.1:1/${text}` }) },
  teams: { create: 'createAdminTeam', read: 'getAdminTeam', change: 'updateAdminTeam', remove: 'deleteAdminTeam', table: 'teams', column: 'name', draft: (name) => ({ name }), patch: (description) => ({ description }) },
};

type Match = 'right' | 'stale' | 'none' | 'garbage';
type Step =
  | { do: 'create'; key: number | null; body: number }
  | { do: 'createAtOnce'; key: number; times: number }
  | { do: 'read' | 'remove' | 'removeAtOnce' | 'changeWhileRemoved'; at: number }
  | { do: 'change'; at: number; match: Match }
  | { do: 'changeAtOnce'; at: number; times: number };

const at = fc.nat({ max: 3 });
const steps = fc.array(fc.oneof(
  fc.record({ do: fc.constant<'create'>('create'), key: fc.option(fc.nat({ max: 2 })), body: fc.nat({ max: 1 }) }),
  fc.record({ do: fc.constant<'createAtOnce'>('createAtOnce'), key: fc.nat({ max: 2 }), times: fc.integer({ min: 2, max: 4 }) }),
  fc.record({ do: fc.constantFrom<'read' | 'remove' | 'removeAtOnce' | 'changeWhileRemoved'>('read', 'remove', 'removeAtOnce', 'changeWhileRemoved'), at }),
  fc.record({ do: fc.constant<'change'>('change'), at, match: fc.constantFrom<Match>('right', 'right', 'stale', 'none', 'garbage') }),
  fc.record({ do: fc.constant<'changeAtOnce'>('changeAtOnce'), at, times: fc.integer({ min: 2, max: 4 }) }),
), { minLength: 3, maxLength: 14 });

interface Row { id: string; version: number; state: 'there' | 'archived' | 'gone' }

const slugOf = ({ body }: Answer): string => String(member(body, 'type')).replace(/^.*\//, '');
const told = (answers: readonly Answer[]): string => answers.map(({ status, text }) => `${status} ${text.slice(0, 200)}`).join('\n');
let counter = 0;

class Model {
  readonly #resource: Resource;
  readonly #rows: Row[] = [];
  readonly #keys = new Map<number, { body: number; id: string }>();
  readonly run = `f${process.pid}x${(counter += 1)}`;

  constructor(resource: Resource) {
    this.#resource = resource;
  }

  #create(key: number | null, body: number): Promise<Answer> {
    const text = key === null ? `${this.run}-u${(counter += 1)}` : `${this.run}-k${key}-${body}`;
    return admin.call(this.#resource.create, { json: this.#resource.draft(text), ...(key === null ? {} : { headers: { 'Idempotency-Key': `${this.run}-${key}` } }) });
  }

  #created(answer: Answer, key: number | null, body: number): void {
    const id = String(member(answer.body, 'id'));
    this.#rows.push({ id, version: Number(member(answer.body, 'version')), state: 'there' });
    if (key !== null) this.#keys.set(key, { body, id });
  }

  #change(id: string, match: string | null, caller = admin): Promise<Answer> {
    return caller.call(this.#resource.change, { path: { id }, json: this.#resource.patch(`${this.run}-p${(counter += 1)}`), ...(match === null ? {} : { headers: { 'If-Match': match } }) });
  }

  readonly #remove = (id: string, caller = admin): Promise<Answer> => caller.call(this.#resource.remove, { path: { id } });

  /** What changing or removing a row that is no more is answered. */
  #isRefusedAsGone(row: Row, answer: Answer): void {
    if (row.state === 'archived') assert.is(slugOf(answer), this.#resource.archives, told([answer]));
    else assert.is(answer.status, 404, told([answer]));
  }

  async #look(row: Row): Promise<void> {
    const { status, headers, body, text } = await admin.call(this.#resource.read, { path: { id: row.id } });
    assert.is(status, row.state === 'gone' ? 404 : 200, text);
    if (row.state === 'archived') row.version = Number(member(body, 'version'));
    if (row.state !== 'gone') assert.equal([member(body, 'version'), headers.get('ETag')], [row.version, `"${row.version}"`]);
  }

  #removed(row: Row): void {
    if (row.state === 'there') row.state = this.#resource.archives === undefined ? 'gone' : 'archived';
  }

  async step(step: Step): Promise<void> {
    if (step.do === 'create') return this.#stepCreate(step.key, step.body);
    if (step.do === 'createAtOnce') return this.#stepCreateAtOnce(step.key, step.times);
    const row = this.#rows[step.at % Math.max(1, this.#rows.length)];
    if (row === undefined) return;
    if (step.do === 'read') return this.#look(row);
    if (step.do === 'change') return this.#stepChange(row, step.match);
    if (step.do === 'changeAtOnce') return this.#stepChangeAtOnce(row, step.times);
    const before = { ...row };
    const [other, answers] = step.do === 'changeWhileRemoved'
      ? await Promise.all([this.#change(row.id, `"${row.version}"`, callers[1]), Promise.all([this.#remove(row.id)])])
      : [null, await Promise.all((step.do === 'remove' ? [admin] : callers).map((caller) => this.#remove(row.id, caller)))];
    const expected = before.state === 'gone' ? [404] : before.state === 'archived' || this.#resource.archives !== undefined ? [204] : [204, 404];
    assert.ok(answers.every(({ status }) => expected.includes(status)), told(answers));
    if (before.state !== 'gone') assert.ok(answers.some(({ status }) => status === 204), told(answers));
    this.#removed(row);
    if (other !== null && other.status !== 200 && !(row.state === 'archived' && other.status === 412)) this.#isRefusedAsGone(row, other); // archiving makes a new version
    if (other?.status === 200) assert.is(before.state, 'there');
    await this.#look(row);
  }

  async #stepCreate(key: number | null, body: number): Promise<void> {
    const known = key === null ? undefined : this.#keys.get(key);
    const answer = await this.#create(key, body);
    if (known === undefined) {
      assert.is(answer.status, 201, told([answer]));
      assert.is(answer.headers.get('Idempotency-Replayed'), null);
      this.#created(answer, key, body);
    } else if (known.body === body) assert.equal([answer.status, member(answer.body, 'id'), answer.headers.get('Idempotency-Replayed')], [201, known.id, 'true']);
    else assert.is(slugOf(answer), 'idempotency-mismatch');
  }

  async #stepCreateAtOnce(key: number, times: number): Promise<void> {
    const known = this.#keys.get(key);
    const body = known?.body ?? 0;
    const answers = await Promise.all(Array.from({ length: times }, () => this.#create(key, body)));
    const made = answers.filter(({ status }) => status === 201);
    assert.ok(made.length > 0 && answers.every((answer) => answer.status === 201 || slugOf(answer) === 'idempotency-in-progress'), told(answers));
    assert.is(new Set([...made.map((one) => member(one.body, 'id')), ...(known === undefined ? [] : [known.id])]).size, 1, told(answers));
    assert.is(made.filter(({ headers }) => headers.get('Idempotency-Replayed') === null).length, known === undefined ? 1 : 0, told(answers));
    if (known === undefined && made[0] !== undefined) this.#created(made[0], key, body);
  }

  async #stepChange(row: Row, match: Match): Promise<void> {
    const sent = { right: `"${row.version}"`, stale: String(row.version - 1), none: null, garbage: '"x"' }[match];
    const answer = await this.#change(row.id, sent);
    if (row.state !== 'there') {
      if (match === 'right' || row.state === 'gone') this.#isRefusedAsGone(row, answer);
      else assert.ok([409, 412, 428].includes(answer.status), told([answer]));
    } else if (match === 'right') {
      assert.equal([answer.status, member(answer.body, 'version')], [200, row.version + 1], told([answer]));
      row.version += 1;
    } else {
      assert.is(answer.status, match === 'none' ? 428 : 412, told([answer]));
      assert.is(member(answer.body, 'current_version'), row.version);
    }
    await this.#look(row);
  }

  async #stepChangeAtOnce(row: Row, times: number): Promise<void> {
    const answers = await Promise.all(Array.from({ length: times }, (_one, index) => this.#change(row.id, `"${row.version}"`, callers[index % 2])));
    if (row.state !== 'there') for (const answer of answers) this.#isRefusedAsGone(row, answer);
    else {
      assert.is(answers.filter(({ status }) => status === 200).length, 1, told(answers));
      assert.is(answers.filter(({ status }) => status === 412).length, times - 1, told(answers));
      row.version += 1;
    }
    await this.#look(row);
  }

  /** The rows of the run are those of the model. */
  async end(): Promise<void> {
    const { rows } = await sql<{ id: string }>`SELECT id FROM ${sql.table(this.#resource.table)} WHERE ${sql.ref(this.#resource.column)} LIKE ${`%${this.run}-%`} ORDER BY id`.execute(database.db);
    assert.equal(rows.map(({ id }) => id), this.#rows.filter(({ state }) => state !== 'gone').map(({ id }) => id).sort());
    const { rows: claims } = await sql<{ status: number | null }>`SELECT status FROM idempotency_keys WHERE key LIKE ${`${this.run}-%`} AND status IS NULL`.execute(database.db);
    assert.is(claims.length, 0, 'an Idempotency-Key is still claimed');
  }
}

const test = suite('sequences');
const RUNS = runsOf(25);
for (const [name, resource] of Object.entries(RESOURCES)) {
  test(`${name} are as the model says after any sequence of requests`, async () => {
    const found = await fc.check(fc.asyncProperty(steps, async (list) => {
      const model = new Model(resource);
      await sql`DELETE FROM rate_limits`.execute(database.db);
      for (const step of list) await model.step(step);
      await model.end();
    }), { seed: SEED, numRuns: RUNS, interruptAfterTimeLimit: RUNS * 2_000 });
    assert.ok(!found.failed || found.counterexample === null, `seed ${SEED}: ${messageOf(found.errorInstance).slice(0, 3000)}\n${JSON.stringify(found.counterexample?.[0])}`);
  }, { timeoutMs: 60_000 + RUNS * 4_000 });
}
