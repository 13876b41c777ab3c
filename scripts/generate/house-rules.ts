/** The contract's own lint rules, beside Redocly's: names, access, problems, sorting, and how schemas may be written. */
import { operationsOf, type Json, type OpenApiDocument, type OperationEntry, type ProblemRegistry } from './document.ts';

const VERBS = new Set([
  'list', 'get', 'create', 'update', 'replace', 'delete',
  'login', 'logout', 'refresh', 'register', 'forgot', 'reset', 'verify', 'authorize', 'callback', 'transition', 'activate', 'deactivate',
  'add', 'remove', 'cancel', 'export', 'download', 'restore', 'import', 'mark', 'post', 'receive', 'rotate', 'test', 'resend',
]);
const PERMISSIONS = new Set([
  'project.read', 'project.create', 'project.update', 'project.delete', 'scan.read', 'scan.trigger', 'scan.comment', 'finding.triage',
  'vex.import', 'approval.read', 'approval.request', 'approval.decide', 'report.download', 'api_key.manage', 'team.manage', 'admin',
]);
const SCOPES_BY_ID = new Set(['project', 'scan', 'component', 'finding', 'license_finding', 'license_policy', 'approval', 'team', 'api_key']);
const KEY_ORDER = ['operationId', 'tags', 'summary', 'description', 'x-access', 'x-problems', 'parameters', 'requestBody', 'responses'];

/** Every broken rule in words; empty where the contract is well. */
export function brokenRules(doc: OpenApiDocument, registry: ProblemRegistry): string[] {
  const entries = operationsOf(doc);
  return [
    ...entries.flatMap((entry) => operationFaults(entry, registry).map((fault) => `${entry.method.toUpperCase()} ${entry.path}: ${fault}`)),
    ...repeated(entries.map((entry) => entry.operation.operationId)).map((id) => `operationId ${id} is used twice`),
    ...Object.keys(doc.components.schemas).filter((name) => /-\d+$/.test(name)).map((name) => `schema ${name}: two files have this basename`),
    ...refSiblings(doc.paths, '#/paths'),
    ...refSiblings(doc.components, '#/components'),
  ];
}

function operationFaults({ operation, parameters, method }: OperationEntry, registry: ProblemRegistry): string[] {
  const faults: string[] = [];
  const verb = /^[a-z]+/.exec(operation.operationId)?.[0] ?? '';
  if (!VERBS.has(verb)) faults.push(`operationId starts with '${verb}', which is not one of ours: ${[...VERBS].join(', ')}`);
  const order = Object.keys(operation).filter((key) => KEY_ORDER.includes(key));
  if (order.join() !== KEY_ORDER.filter((key) => order.includes(key)).join()) faults.push(`keys stand in the order ${order.join(', ')}; it is ${KEY_ORDER.filter((key) => order.includes(key)).join(', ')}`);
  faults.push(...accessFaults({ operation, parameters }));
  for (const slug of operation['x-problems'] ?? []) if (registry[slug] === undefined) faults.push(`unknown problem '${slug}'`);
  for (const parameter of parameters) {
    if (parameter.name === 'sort' && (parameter['x-sort-fields'] ?? []).length === 0) faults.push('sort has no x-sort-fields');
  }
  const json = operation.requestBody?.content['application/json']?.schema;
  if (json !== undefined && json['$ref'] === undefined && json['additionalProperties'] !== false) faults.push('an inline body lacks additionalProperties: false');
  if (method === 'get' && operation.requestBody !== undefined) faults.push('GET has a body');
  if (operation.operationId.startsWith('list') && !parameters.some(({ name }) => name === 'limit') && operation['x-access'].self === undefined && operation['x-access'].public === undefined) {
    faults.push('a list has no limit: give it Limit, Offset (spec/shared/parameters) and a sort with x-sort-fields');
  }
  return faults;
}

function accessFaults({ operation, parameters }: Pick<OperationEntry, 'operation' | 'parameters'>): string[] {
  if (!Object.hasOwn(operation, 'x-access')) return ['x-access is missing'];
  const access = operation['x-access'];
  const kinds = [access.public, access.self, access.token, access.permission].filter((kind) => kind !== undefined);
  if (kinds.length !== 1) return ['x-access names not exactly one of public, self, token, permission'];
  if (access.permission === undefined) return [];
  if (!PERMISSIONS.has(access.permission)) return [`unknown permission '${access.permission}'`];
  if (access.within === 'visible' || access.within === 'installation') return [];
  if (access.within === undefined || !SCOPES_BY_ID.has(access.within)) return [`unknown scope '${access.within ?? ''}'`];
  const [place, name] = (access.from ?? '').split('.');
  if (place === 'body' && name !== undefined) return [];
  return place === 'path' && parameters.some((parameter) => parameter.in === 'path' && parameter.name === name)
    ? []
    : [`x-access.from '${access.from ?? ''}' names no path parameter or body member`];
}

/** `$ref` must stand alone: its siblings mean different things to different tools. */
function refSiblings(node: unknown, at: string): string[] {
  if (Array.isArray(node)) return node.flatMap((item: Json, index) => refSiblings(item, `${at}/${index}`));
  if (typeof node !== 'object' || node === null) return [];
  const keys = Object.keys(node);
  const own = keys.includes('$ref') && keys.length > 1 ? [`${at}: $ref has siblings`] : [];
  return [...own, ...Object.entries(node).flatMap(([key, value]) => (key === 'properties' ? propertiesOf(value, `${at}/properties`) : refSiblings(value, `${at}/${key}`)))];
}

/** Members of `properties` are named by the product: one may be called `$ref`. */
function propertiesOf(node: unknown, at: string): string[] {
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([key, value]) => refSiblings(value, `${at}/${key}`));
}

function repeated(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}
