/** Licence expressions that people send: known ids only, so that a slip of the pen is no licence of its own. */
import { DomainError } from '../../core/errors.ts';
import { licenseIds, parseExpression } from './expression.ts';
import { normalise } from './normalise.ts';
import { findSpdxLicense } from './spdx-list.ts';

/** The normalised expression and its licences. Throws validation-failed with the place of the fault. @param pointer of the body's member */
export function acceptExpression(text: string, pointer: string): { expression: string; spdxIds: string[] } {
  const refuse = (message: string): DomainError => new DomainError('validation-failed', `${pointer} ${message}.`, { errors: [{ pointer, message }] });
  const parsed = parseExpression(text);
  if (!parsed.ok) throw refuse(`is no SPDX expression: it ${parsed.message} (at ${parsed.position})`);
  const unknown = licenseIds(parsed.tree).find((id) => !/^(?:DocumentRef-|LicenseRef-)/.test(id) && findSpdxLicense(id) === undefined && findSpdxLicense(id.replace(/\+$/, '')) === undefined);
  if (unknown !== undefined) throw refuse(`names '${unknown}', which is not on the SPDX list; write LicenseRef-${unknown.replaceAll('+', '')} for a licence of its own`);
  const expression = normalise(text) ?? text;
  const read = parseExpression(expression);
  return { expression, spdxIds: read.ok ? licenseIds(read.tree) : [] };
}
