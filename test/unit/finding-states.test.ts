/** The state machine of findings: every pair of states, by whom, from where, and what a decision must bring. */
import * as assert from 'uvu/assert';
import { judgeDecision, type Decision, type FindingStatus, type Rights } from '../../src/domain/findings/states.ts';
import { suite } from '../support/suite.ts';

const STATES: readonly FindingStatus[] = ['new', 'analyzing', 'exploitable', 'not_affected', 'false_positive', 'suppressed', 'fixed'];
/** As the product's description says it, written anew. */
const ALLOWED: Record<FindingStatus, readonly FindingStatus[]> = {
  new: ['analyzing', 'suppressed'], analyzing: ['exploitable', 'not_affected', 'false_positive', 'fixed', 'suppressed'],
  exploitable: ['analyzing'], not_affected: ['analyzing'], false_positive: ['analyzing'], suppressed: ['analyzing'], fixed: ['analyzing'],
};
const now = new Date('2026-11-24T10:00:00Z');
const decision = (status: FindingStatus, fields: Partial<Decision> = {}): Decision => ({ status, justification: 'because of this', justificationCode: null, expiresAt: null, ...fields });
const rights = (fields: Partial<Rights> = {}): Rights => ({ source: 'manual', maySuppress: true, now, ...fields });
const verdict = (from: FindingStatus, wished: Decision, by: Rights): string => {
  const judged = judgeDecision(from, wished, by);
  return Array.isArray(judged) ? judged.join('>') : judged.kind;
};

const test = suite('judgeDecision');
for (const from of STATES) {
  for (const to of STATES) {
    test(`${from} to ${to}`, () => {
      const allowed = ALLOWED[from].includes(to);
      const manual = from === to ? '' : allowed ? to : 'invalid-transition';
      assert.is(verdict(from, decision(to), rights()), manual);
      assert.is(verdict(from, decision(to), rights({ maySuppress: false })), to === 'suppressed' && from !== to && allowed ? 'forbidden' : manual);
      const byVex = !allowed && from !== to && to !== 'new' ? `analyzing>${to}` : manual;
      assert.is(verdict(from, decision(to, { justification: null }), rights({ source: 'vex_import' })), byVex);
    });
  }
}
test('a step that is not allowed names those that are', () => {
  const judged = judgeDecision('fixed', decision('new'), rights());
  assert.equal(Array.isArray(judged) ? judged : judged.allowedTo, ['analyzing']);
});
test('a decision needs ten characters that are no white space around it; analysis needs none', () => {
  for (const [justification, expected] of [[null, 'validation-failed'], ['', 'validation-failed'], ['too short', 'validation-failed'], ['   short   x ', 'validation-failed'], ['just right', 'fixed']] as const) {
    assert.is(verdict('analyzing', decision('fixed', { justification }), rights()), expected, String(justification));
  }
  assert.is(verdict('new', decision('suppressed', { justification: 'short' }), rights()), 'validation-failed');
  assert.is(verdict('new', decision('analyzing', { justification: null }), rights()), 'analyzing');
  assert.is(verdict('suppressed', decision('analyzing', { justification: null }), rights()), 'analyzing');
});
test('a code goes with not_affected, an end in the future with suppressed', () => {
  assert.is(verdict('analyzing', decision('not_affected', { justificationCode: 'code_not_reachable' }), rights()), 'not_affected');
  assert.is(verdict('analyzing', decision('fixed', { justificationCode: 'code_not_reachable' }), rights()), 'validation-failed');
  assert.is(verdict('new', decision('suppressed', { expiresAt: '2026-11-24T10:00:01Z' }), rights()), 'suppressed');
  assert.is(verdict('new', decision('suppressed', { expiresAt: '2026-11-24T10:00:00Z' }), rights()), 'validation-failed');
  assert.is(verdict('new', decision('analyzing', { expiresAt: '2026-12-24T10:00:00Z' }), rights()), 'validation-failed');
});
