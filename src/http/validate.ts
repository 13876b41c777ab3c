/** Requests against the contract, by the precompiled validators. Faults come out as 400 for parameters and 422 for bodies. */
import type { ErrorObject, ValidateFunction } from 'ajv';
import * as parameterValidators from '../../generated/validate-parameters.js';
import * as bodyValidators from '../../generated/validate-bodies.js';
import { DomainError } from '../core/errors.ts';
import { knownMembers, knownParameters } from './known-names.ts';
import type { OperationId } from './types.ts';

export interface RawParameters {
  path: Record<string, string | undefined>;
  query: Record<string, string | string[]>;
  header: Record<string, string>;
  cookie: Record<string, string | undefined>;
}

const forParameters: Readonly<Record<string, ValidateFunction>> = parameterValidators;
const forBodies: Readonly<Record<string, ValidateFunction>> = bodyValidators;

/** Coerces the values in place and fills in defaults. Throws invalid-request. */
export function validateParameters(operationId: OperationId, raw: RawParameters): void {
  const validate = forParameters[operationId];
  if (validate === undefined) throw new Error(`no parameter validator for ${operationId}`);
  if (validate(raw)) return;
  const errors = (validate.errors ?? []).map((fault) => {
    const [, , name] = fault.instancePath.split('/');
    return { parameter: name ?? namedIn(fault) ?? '', message: wording(fault, () => knownParameters(operationId)) };
  });
  throw new DomainError('invalid-request', errors.map(({ parameter, message }) => `Parameter '${parameter}' ${message}.`).join(' '), { errors });
}

/** Fills in defaults. Throws validation-failed with JSON pointers. */
export function validateBody(operationId: OperationId, mediaType: string, validatorName: string, body: unknown): void {
  const validate = forBodies[validatorName];
  if (validate === undefined) throw new Error(`no body validator ${validatorName}`);
  if (validate(body)) return;
  const errors = (validate.errors ?? []).map((fault) => {
    const name = namedIn(fault);
    return { pointer: fault.instancePath + (name === undefined ? '' : `/${escapePointer(name)}`), message: wording(fault, () => knownMembers(operationId, mediaType, fault.instancePath)) };
  });
  throw new DomainError('validation-failed', errors.map(({ pointer, message }) => `${pointer === '' ? 'The body' : pointer} ${message}.`).join(' '), { errors });
}

/** The member that the fault is about, where the fault stands at its parent. */
function namedIn(fault: ErrorObject): string | undefined {
  const params: Record<string, unknown> = fault.params;
  const name = params['additionalProperty'] ?? params['missingProperty'] ?? params['unevaluatedProperty'];
  return typeof name === 'string' ? name : undefined;
}

/** @param known names that may stand where an unknown one does */
function wording(fault: ErrorObject, known: () => string[]): string {
  const params: Record<string, unknown> = fault.params;
  switch (fault.keyword) {
    case 'additionalProperties': {
      const names = known();
      return `is not known here; ${names.length === 0 ? 'nothing is' : `known: ${names.join(', ')}`}`;
    }
    case 'required':
      return 'is missing';
    case 'enum':
      return `must be one of ${JSON.stringify(params['allowedValues']).slice(1, -1)}`;
    case 'format':
      return params['format'] === 'uuid' ? 'must be a UUID, an `id` as answers have it' : `must be a ${String(params['format'])}`;
    case 'minLength':
      return `must have at least ${String(params['limit'])} characters`;
    case 'maxLength':
      return `must have at most ${String(params['limit'])} characters`;
    case 'minimum':
      return `must be at least ${String(params['limit'])}`;
    case 'maximum':
      return `must be at most ${String(params['limit'])}`;
    default:
      return fault.message ?? 'does not fit';
  }
}

const escapePointer = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');
