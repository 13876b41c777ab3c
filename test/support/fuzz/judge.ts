/** What must hold of every answer, whatever was asked: the contract, no fault of ours, no waiting, and nothing changed by a refusal. */
import * as assert from 'uvu/assert';
import { operations } from '../../../generated/operations.ts';
import { problems } from '../../../generated/problems.ts';
import { createMatcher } from '../../../src/http/contract.ts';
import { canonicalPath } from '../../../src/http/paths.ts';
import type { OperationId } from '../../../src/http/types.ts';
import { declares, holdAnswer, member, type Answer } from '../contract.ts';
import { changedColumns, describeChange, type Change } from './changes.ts';
import { OUTSIDE, type Caller } from './drafts.ts';
import type { Reply, Wire } from './wire.ts';

const SLOWEST_MS = 5_000;
const TYPES = new Set<unknown>(Object.values(problems).map(({ type }) => type));
/** Of the registry's 5xx those that a request may meet here: no provider is configured, and code hosts are none. */
const FINE_5XX = ['oauth-provider-disabled', 'bad-gateway'];
/** Statuses that no operation declares, since any can have them. */
const ANYWHERE = new Set<number>(['request-timeout', 'request-headers-too-large'].map((slug) => Object.entries(problems).find(([known]) => known === slug)?.[1].status ?? 0));
const match = createMatcher();

/** What a refusal, or a question, may leave behind, and why. `*`: whole rows. */
const MAY_CHANGE: readonly { why: string; table: string; columns: readonly string[]; operations?: readonly OperationId[] }[] = [
  { why: 'when a key was last used is noted at every use, allowed or not', table: 'api_keys', columns: ['last_used_at', 'last_used_ip'] },
  { why: 'a log-in that failed is audited', table: 'audit_log', columns: ['*'], operations: ['loginUser'] },
  { why: 'who takes the audit log away is audited', table: 'audit_log', columns: ['*'], operations: ['exportAdminAudit'] },
  { why: 'the key that signs documents is made when one is first asked for', table: 'document_keys', columns: ['*'], operations: ['getProjectSbomSignature'] },
  { why: 'and that is audited', table: 'audit_log', columns: ['*'], operations: ['getProjectSbomSignature'] },
];

const isAllowed = (change: Change, operation: OperationId | null): boolean => MAY_CHANGE.some(({ table, columns, operations }) =>
  table === change.table && changedColumns(change).every((column) => columns.includes(column)) && (operations === undefined || (operation !== null && operations.includes(operation))));

const isRefusal = (status: number): boolean => status >= 400;

/** Which operation a request reaches; null where it is none's: an unknown path, a wrong method. */
function operationAt({ method, target }: Wire): OperationId | null {
  try {
    const found = match(method, canonicalPath(target.split(/[?#]/)[0] ?? ''));
    return found !== null && 'matched' in found ? found.matched.operationId : null;
  } catch {
    return null;
  }
}

export async function judge(wire: Wire, caller: Caller, reply: Reply, changes: readonly Change[], errors: readonly string[]): Promise<void> {
  const { status, headers, text, ms } = reply;
  const where = `${wire.method} ${wire.target.slice(0, 200)} as ${caller}`;
  assert.ok(status > 0 && (status < 500 || (wire.method === 'HEAD' && status === 503) || FINE_5XX.some((slug) => text.includes(`/problems/${slug}"`))), `${where} answered ${status}: ${text.slice(0, 400)}\n${errors.join('\n').slice(0, 3000)}`);
  assert.ok(ms < SLOWEST_MS, `${where} took ${Math.round(ms)} ms`);
  const operation = operationAt(wire);
  if (wire.method === 'HEAD') {
    assert.is(text, '', `${where} has a body`);
    assert.ok(operation === null || ANYWHERE.has(status) || declares(operation, status), `${where} answered ${status}, which GET does not declare`);
  } else {
    const body: unknown = /json/.test(headers.get('Content-Type') ?? '') ? parsed(text, where) : undefined;
    const answer: Answer = { status, headers, text, body };
    if (status >= 400) assert.ok(TYPES.has(member(body, 'type')), `${where}: ${status} is no problem of the registry: ${text.slice(0, 300)}`);
    if (operation !== null && !ANYWHERE.has(status)) await holdAnswer(operation, answer);
  }
  assert.not.match(text, /\n\s+at .*\.(ts|js):\d+|SQLSTATE|node_modules/, `${where} shows a stack trace`);
  if (isRefusal(status) || wire.method === 'GET' || wire.method === 'HEAD' || wire.method === 'OPTIONS') {
    const wrong = changes.filter((change) => !isAllowed(change, operation));
    assert.ok(wrong.length === 0, `${where} was answered ${status}, and yet it ${wrong.map(describeChange).join(', and ')}`);
  }
  assert.ok(errors.length === 0, `${where} left errors in the log: ${errors.join('\n').slice(0, 2000)}`);
  const isOut = operation !== null && OUTSIDE.includes(caller) && !('public' in operations[operation].access);
  assert.ok(!isOut || [401, 429].includes(status) || ANYWHERE.has(status) || status === 400 && /broken percent/.test(text), `${where} answered ${status} to somebody without a credential`);
}

function parsed(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`${where}: the answer says that it is JSON, and is not: ${text.slice(0, 300)}`);
  }
}
