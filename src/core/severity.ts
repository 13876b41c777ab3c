/** Severities, the worst first: a finding keeps its place in this list as `severity_rank`. */
export const SEVERITIES = ['critical', 'high', 'medium', 'low', 'info', 'unknown'] as const;
export type Severity = (typeof SEVERITIES)[number];
