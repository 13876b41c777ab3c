/** The gate's rules, each on its own and together. */
import * as assert from 'uvu/assert';
import { evaluateGate, type FindingGroup, type GateFacts } from '../../src/domain/gate/evaluate.ts';
import { toGatePolicy, type GatePolicy } from '../../src/domain/gate/policy.ts';
import { suite } from '../support/suite.ts';

const finding = (fields: Partial<FindingGroup>): FindingGroup => ({ severity: 'medium', kev: false, epss_score: null, age_days: 0, count: 1, finding_ids: ['f1'], ...fields });
const facts = (fields: Partial<GateFacts>): GateFacts => ({ scan: 'succeeded', findings: [], licenses: [{ tier: 'allowed', count: 3, component_ids: [] }], rejected: { count: 0, component_ids: [] }, ...fields });
const judge = (fields: Partial<GateFacts>, policy: Partial<GatePolicy> = {}) => evaluateGate(facts(fields), toGatePolicy(policy));

const test = suite('evaluateGate');
test('a clean scan passes without a reason', () => {
  const { gate, reason, reasons, counts } = judge({});
  assert.equal([gate, reason, reasons, counts.components], ['pass', null, [], 3]);
});
for (const scan of ['queued', 'running', null] as const) {
  test(`a scan that is ${scan ?? 'not there'} is pending`, () => assert.is(judge({ scan, findings: [finding({ severity: 'critical' })] }).gate, 'pending'));
}
for (const scan of ['failed', 'cancelled'] as const) {
  test(`a ${scan} scan fails`, () => assert.equal([judge({ scan }).gate, judge({ scan }).reasons[0]?.rule], ['fail', 'scan']));
}
test('critical findings fail by default, high ones by a lower threshold, and none without one', () => {
  const findings = [finding({ severity: 'critical', count: 2 }), finding({ severity: 'high' })];
  assert.is(judge({ findings }).reason, '2 vulnerabilities of severity critical open');
  assert.is(judge({ findings }).critical_cve_count, 2);
  assert.is(judge({ findings }, { severity_threshold: 'high' }).reasons[0]?.count, 3);
  assert.is(judge({ findings }, { severity_threshold: null }).gate, 'pass');
});
test('findings of unknown severity warn by default, whatever the threshold, and do as the policy says', () => {
  const findings = [finding({ severity: 'unknown', count: 2 })];
  assert.equal([judge({ findings }).gate, judge({ findings }).reason], ['warn', '2 vulnerabilities of unknown severity open']);
  assert.is(judge({ findings }, { severity_threshold: null }).gate, 'warn');
  assert.is(judge({ findings }, { unknown_severity: 'fail' }).reasons[0]?.rule, 'unknown_severity');
  assert.is(judge({ findings }, { unknown_severity: 'off' }).gate, 'pass');
});
test('known exploited vulnerabilities fail whatever their severity', () => {
  assert.is(judge({ findings: [finding({ kev: true, severity: 'low' })] }).gate, 'fail');
  assert.is(judge({ findings: [finding({ kev: true })] }, { kev: 'warn' }).gate, 'warn');
  assert.is(judge({ findings: [finding({ kev: true })] }, { kev: 'off' }).gate, 'pass');
});
test('EPSS counts from its threshold on', () => {
  const findings = [finding({ epss_score: 0.5 })];
  assert.is(judge({ findings }, { epss_threshold: 0.5 }).gate, 'fail');
  assert.is(judge({ findings }, { epss_threshold: 0.51 }).gate, 'pass');
  assert.is(judge({ findings: [finding({})] }, { epss_threshold: 0 }).gate, 'pass');
});
test('forbidden licences fail, unknown ones do as the policy says', () => {
  const licenses = [{ tier: 'forbidden', count: 1, component_ids: ['c1'] }, { tier: 'unknown', count: 2, component_ids: ['c2', 'c3'] }] as const;
  const both = judge({ licenses }, { unknown_license: 'warn' });
  assert.is(both.gate, 'fail');
  assert.is(both.reason, '1 forbidden-licensed component detected; 2 components with an unknown licence detected');
  assert.equal(both.reasons.map(({ action, findings }) => [action, findings]), [['fail', ['c1']], ['warn', ['c2', 'c3']]]);
  assert.is(judge({ licenses }, { forbidden_license: 'off' }).gate, 'pass');
});
test('a rejected approval fails as the policy says', () => {
  const rejected = { count: 2, component_ids: ['c1', 'c2'] };
  assert.equal(judge({ rejected }).reasons, [{ rule: 'rejected_approval', action: 'fail', message: '2 components with a rejected approval', count: 2, findings: ['c1', 'c2'] }]);
  assert.is(judge({ rejected }, { rejected_approval: 'warn' }).gate, 'warn');
  assert.is(judge({ rejected }, { rejected_approval: 'off' }).gate, 'pass');
});
test('findings may be open only so long', () => {
  const findings = [finding({ severity: 'high', age_days: 31 })];
  const policy = { max_age_days: { critical: null, high: 30, medium: null, low: null } };
  assert.is(judge({ findings }, policy).reasons[0]?.rule, 'age');
  assert.is(judge({ findings: [finding({ severity: 'high', age_days: 30 })] }, policy).gate, 'pass');
});
test('a reason names at most twenty findings', () => {
  const ids = Array.from({ length: 30 }, (_, index) => `f${index}`);
  assert.is(judge({ findings: [finding({ severity: 'critical', count: 30, finding_ids: ids })] }).reasons[0]?.findings.length, 20);
});
