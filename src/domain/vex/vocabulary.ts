/**
 * States and justifications as OpenVEX 0.2.0 and CycloneDX name them, both ways. What a format has no word for (a suppression and its end, a finer justification, a finding that
 * nobody has looked at) goes along as a note of the portal's own, so that a document that comes back loses nothing.
 */
import type { FindingStatus, JustificationCode } from '../findings/states.ts';
import type { DecisionScope } from '../findings/triage.ts';

export type VexFormat = 'openvex' | 'cyclonedx';

export const OPENVEX_STATUS: Readonly<Record<FindingStatus, string>> = {
  new: 'under_investigation', analyzing: 'under_investigation', exploitable: 'affected', not_affected: 'not_affected', false_positive: 'not_affected', suppressed: 'not_affected', fixed: 'fixed',
};
export const CYCLONEDX_STATE: Readonly<Record<FindingStatus, string>> = {
  new: 'in_triage', analyzing: 'in_triage', exploitable: 'exploitable', not_affected: 'not_affected', false_positive: 'false_positive', suppressed: 'not_affected', fixed: 'resolved',
};
export const READ_STATUS: Readonly<Record<VexFormat, ReadonlyMap<string, FindingStatus>>> = {
  openvex: new Map<string, FindingStatus>([['not_affected', 'not_affected'], ['affected', 'exploitable'], ['fixed', 'fixed'], ['under_investigation', 'analyzing']]),
  cyclonedx: new Map<string, FindingStatus>([
    ['not_affected', 'not_affected'], ['exploitable', 'exploitable'], ['resolved', 'fixed'], ['resolved_with_pedigree', 'fixed'], ['in_triage', 'analyzing'], ['false_positive', 'false_positive'],
  ]),
};

/** OpenVEX has five justifications, CycloneDX nine. */
export const OPENVEX_JUSTIFICATION: Readonly<Record<JustificationCode, string>> = {
  code_not_present: 'vulnerable_code_not_present', code_not_reachable: 'vulnerable_code_not_in_execute_path', requires_configuration: 'vulnerable_code_cannot_be_controlled_by_adversary',
  requires_dependency: 'vulnerable_code_cannot_be_controlled_by_adversary', requires_environment: 'vulnerable_code_cannot_be_controlled_by_adversary', protected_by_compiler: 'inline_mitigations_already_exist',
  protected_at_runtime: 'inline_mitigations_already_exist', protected_at_perimeter: 'inline_mitigations_already_exist', protected_by_mitigating_control: 'inline_mitigations_already_exist',
};
const FROM_OPENVEX: ReadonlyMap<string, JustificationCode> = new Map<string, JustificationCode>([
  ['component_not_present', 'code_not_present'], ['vulnerable_code_not_present', 'code_not_present'], ['vulnerable_code_not_in_execute_path', 'code_not_reachable'],
  ['vulnerable_code_cannot_be_controlled_by_adversary', 'requires_environment'], ['inline_mitigations_already_exist', 'protected_by_mitigating_control'],
]);

/** CycloneDX's words are the portal's. */
export function toJustificationCode(text: string | null): JustificationCode | null {
  if (text === null) return null;
  return isCode(text) ? text : (FROM_OPENVEX.get(text) ?? null);
}
const isCode = (text: string): text is JustificationCode => Object.hasOwn(OPENVEX_JUSTIFICATION, text);
const isStatus = (text: string): text is FindingStatus => Object.hasOwn(OPENVEX_STATUS, text);

export interface Judged {
  status: FindingStatus;
  code: JustificationCode | null;
  /** RFC 3339. */
  expiresAt: string | null;
  /** Does it hold for all versions of the package? */
  scope: DecisionScope;
}

export const NOTE_PROPERTY = 'sca-portal:judgement';

/** What the words of the format would lose of a judgement; null where nothing. */
export function noteOf(format: VexFormat, { status, code, expiresAt, scope }: Judged): string | null {
  const [words, plain] = format === 'openvex' ? [OPENVEX_STATUS, code === null ? null : toJustificationCode(OPENVEX_JUSTIFICATION[code])] : [CYCLONEDX_STATE, code];
  if (READ_STATUS[format].get(words[status]) === status && plain === code && expiresAt === null && scope === 'version') return null;
  return [`status=${status}`, ...(code === null ? [] : [`justification=${code}`]), ...(expiresAt === null ? [] : [`expires_at=${expiresAt}`]), ...(scope === 'version' ? [] : [`applies_to=${scope}`])].join(';');
}

/** The judgement that a note of the portal's keeps; null where the text is none. */
export function readNote(note: string | null): Judged | null {
  const parts = new Map((note ?? '').split(';').map((part): [string, string] => [part.slice(0, part.indexOf('=')).trim(), part.slice(part.indexOf('=') + 1).trim()]));
  const [status = '', code = '', expiresAt = '', scope = ''] = ['status', 'justification', 'expires_at', 'applies_to'].map((name) => parts.get(name));
  if (!isStatus(status)) return null;
  return { status, code: isCode(code) ? code : null, expiresAt: rfc3339(expiresAt), scope: scope === 'package' ? scope : 'version' };
}

/** A moment as the database takes it; null where the text is none, or one outside the years 1970 to 9999. */
export function rfc3339(text: string): string | null {
  const moment = Date.parse(text);
  return moment >= 0 && moment < Date.UTC(10_000, 0) ? new Date(moment).toISOString() : null;
}
