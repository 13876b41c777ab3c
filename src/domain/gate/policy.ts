/** The gate's policy: defaults, and a project's differences from them. */
import type { components } from '../../../generated/api.ts';

export type GatePolicy = components['schemas']['GatePolicy'];

const DEFAULT_POLICY: GatePolicy = {
  severity_threshold: 'critical',
  unknown_severity: 'warn',
  kev: 'fail',
  epss_threshold: null,
  forbidden_license: 'fail',
  unknown_license: 'off',
  rejected_approval: 'fail',
  max_age_days: { critical: null, high: null, medium: null, low: null },
};

/** The whole policy from what the project stores, which the contract checked when it was written. */
export function toGatePolicy(stored: Partial<GatePolicy>): GatePolicy {
  return { ...DEFAULT_POLICY, ...stored, max_age_days: { ...DEFAULT_POLICY.max_age_days, ...stored.max_age_days } };
}
