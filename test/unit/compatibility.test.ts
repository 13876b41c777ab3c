/** Which changes of operations break clients, the list of those that are meant, and the present contract against itself. */
import * as assert from 'uvu/assert';
import released from '../../spec/released/openapi.json' with { type: 'json' };
import { readAccepted, without } from '../../scripts/compatibility/accepted.ts';
import type { Operation } from '../../scripts/generate/document.ts';
import { breaks, contractOf, object, query, text, type Version } from '../support/contract-versions.ts';
import { suite } from '../support/suite.ts';

const NONE: string[] = [];
const edited = (edit: Version['edit']): Version => ({ request: object({}), response: object({}), ...(edit === undefined ? {} : { edit }) });
const plain = edited(undefined);
/** What a change of the plain contract breaks. */
const broken = (edit: Version['edit']): string[] => breaks(plain, edited(edit));
function there<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('the plain contract has it');
  return value;
}
const body = (operation: Operation): NonNullable<Operation['requestBody']> => there(operation.requestBody);

const operations = suite('compatibility of operations');
operations('a path or method that is gone, and another operationId', () => {
  assert.equal(broken((doc) => { doc.paths = {}; }), ['operation-removed createThing']);
  assert.equal(broken((doc, operation) => { doc.paths['/v1/things'] = { put: operation }; }), ['operation-removed createThing']);
  assert.equal(broken((doc, operation) => { doc.paths = { '/v2/things': { post: operation } }; }), ['operation-removed createThing']);
  assert.equal(broken((_, operation) => { operation.operationId = 'addThing'; }), ['operation-renamed createThing']);
  assert.equal(broken((doc) => { doc.paths['/v1/others'] = { get: { ...there(contractOf({}).paths['/v1/things']?.post), operationId: 'listOthers' } }; }), NONE);
});
operations('parameters: gone, newly required, new and required; those of a header are one in any case', () => {
  const header = (name: string): NonNullable<Version['parameters']>[number] => ({ name, in: 'header', schema: text });
  assert.equal(breaks({ parameters: [query('q')] }, {}), ['parameter-removed createThing ?q']);
  assert.equal(breaks({ parameters: [query('q')] }, { parameters: [query('q', { required: true })] }), ['parameter-required createThing ?q']);
  assert.equal(breaks({}, { parameters: [query('q', { required: true })] }), ['parameter-required createThing ?q']);
  assert.equal(breaks({}, { parameters: [query('q')] }), NONE);
  assert.equal(breaks({ parameters: [query('q', { required: true })] }, { parameters: [query('q')] }), NONE);
  assert.equal(breaks({ parameters: [header('If-Match')] }, { parameters: [header('if-match')] }), NONE);
  assert.equal(breaks({ parameters: [header('If-Match')] }, { parameters: [query('If-Match')] }), ['parameter-removed createThing If-Match:']);
});
operations('parameters: their schemas, sort fields, and how they are written', () => {
  assert.equal(breaks({ parameters: [query('q')] }, { parameters: [query('q', { schema: { type: 'string', maxLength: 3 } })] }), ['request-bound-tightened createThing ?q']);
  assert.equal(breaks({ parameters: [query('sort', { 'x-sort-fields': ['a', 'b'] })] }, { parameters: [query('sort', { 'x-sort-fields': ['c', 'b'] })] }), ['sort-field-removed createThing ?sort']);
  assert.equal(breaks({ parameters: [query('q')] }, { parameters: [query('q', { explode: false })] }), ['parameter-style-changed createThing ?q']);
  assert.equal(breaks(edited((_, operation) => { operation['x-open-query'] = true; }), plain), ['request-members-refused createThing ?']);
});
operations('bodies: gone, new and required, no longer optional, a media type fewer', () => {
  assert.equal(breaks({ request: text }, {}), ['request-body-removed createThing body']);
  assert.equal(breaks({}, { request: text }), ['request-body-required createThing body']);
  assert.equal(broken((_, operation) => { body(operation).content = { 'multipart/form-data': {} }; }), ['request-media-type-removed createThing body application/json']);
  assert.equal(broken((_, operation) => { body(operation).content['multipart/form-data'] = {}; }), NONE);
  const optional = edited((_, operation) => { body(operation).required = false; });
  assert.equal(breaks(optional, plain), ['request-body-required createThing body']);
  assert.equal(breaks(plain, optional), NONE);
});
operations('answers: a success, a media type or a header that is gone; problems may go', () => {
  assert.equal(broken((_, { responses }) => { responses['200'] = there(responses['201']); delete responses['201']; }), ['response-status-removed createThing 201']);
  assert.equal(broken((_, { responses }) => { responses['201'] = { ...responses['201'], description: '', content: { 'text/csv': {} } }; }), ['response-media-type-removed createThing 201 application/json']);
  assert.equal(broken((_, { responses }) => { delete responses['201']?.headers; }), ['response-header-removed createThing 201 ETag']);
  assert.equal(broken((doc) => { doc.components.headers = { ETag: { schema: { type: 'integer' } } }; }), ['response-type-widened createThing 201 ETag']);
  const problem = (schema: ReturnType<typeof object>): Version => edited((_, { responses }) => { responses['409'] = { description: '', content: { 'application/problem+json': { schema } } }; });
  assert.equal(breaks(problem(object({ type: text, detail: text })), problem(object({ type: text }))), ['response-property-removed createThing 409 application/problem+json.detail'], 'those that stay keep their shape');
  assert.equal(broken((_, { responses }) => { delete responses['409']; responses['422'] = { description: '' }; responses['202'] = { description: '' }; }), NONE);
});
operations('access: callers that no longer get in, another action for keys, other credentials', () => {
  const access = (former: Operation['x-access'], present: Operation['x-access']): string[] => breaks({ access: former }, { access: present });
  const read = { permission: 'project.read', within: 'project', from: 'path.id' };
  assert.equal(access({ public: 'for all' }, { self: 'any' }), ['access-stricter createThing']);
  assert.equal(access({ self: 'any' }, { self: 'interactive' }), ['access-stricter createThing']);
  assert.equal(access(read, { ...read, permission: 'project.delete' }), ['access-stricter createThing']);
  assert.equal(access(read, { ...read, permission: 'report.download' }), ['access-stricter createThing'], 'keys need another action');
  assert.equal(access(read, { permission: 'admin', within: 'installation' }), ['access-stricter createThing']);
  assert.equal(access({ permission: 'admin', within: 'installation' }, read), ['access-stricter createThing'], 'keys need another action');
  assert.equal(access({ ...read, permission: 'project.delete' }, { ...read, permission: 'project.update' }), NONE);
  assert.equal(access(read, { public: 'for all' }), NONE);
  assert.equal(breaks({}, { security: [{ accessToken: [] }] }), ['security-stricter createThing']);
  assert.equal(breaks({ security: [] }, {}), ['security-stricter createThing']);
  assert.equal(breaks({ security: [{ accessToken: [] }] }, {}), NONE);
  assert.equal(breaks({}, { security: [] }), NONE);
});

const sent = suite('compatibility of webhooks and frames');
sent('a webhook that is gone, and members of its body that are', () => {
  const webhook = (schema: ReturnType<typeof object>): Version => edited((doc, operation) => {
    doc.webhooks = { 'thing.made': { post: { ...operation, operationId: 'thingMade', requestBody: { required: true, content: { 'application/json': { schema } } } } } };
  });
  assert.equal(breaks(webhook(object({})), plain), ['webhook-removed thingMade']);
  assert.equal(breaks(webhook(object({ a: text })), webhook(object({ b: text }))), ['response-property-removed thingMade body application/json.a']);
  assert.equal(breaks(webhook(object({}, { additionalProperties: false })), webhook(object({ b: text }, { required: ['b'] }))), NONE);
});
sent('frames of the socket are what clients send and get', () => {
  const socket = (client: ReturnType<typeof object>, server: ReturnType<typeof object>, code = '1000 done'): Version => ({
    schemas: { In: client, Out: server },
    edit: (_, operation) => { operation['x-websocket'] = { path: '/ws', client_frames: ['In'], server_frames: ['Out'], close_codes: { [code]: '' } }; },
  });
  const was = socket(object({}), object({ a: text }));
  assert.equal(breaks(was, socket(object({ t: text }, { required: ['t'] }), object({}))), ['request-property-required In.t', 'response-property-removed Out.a']);
  assert.equal(breaks(was, socket(object({}), object({ a: text }), '1001 done')), ['socket-changed createThing /ws']);
  assert.equal(breaks(was, { schemas: { In: object({}), Out: object({}) } }), ['socket-changed createThing /ws']);
});

const accepted = suite('accepted breaks');
accepted('take a change off the list by its name, and may not accept what is not there', () => {
  const changes = [{ rule: 'parameter-removed', place: 'listThings ?q', text: '' }, { rule: 'parameter-removed', place: 'listOthers ?q', text: '' }] as const;
  const of = (change: string): ReturnType<typeof without> => without(readAccepted([{ change, reason: 'It never did a thing.' }]), changes);
  assert.equal(of('parameter-removed listThings ?q'), { left: [changes[1]], unused: [] });
  assert.equal(of('parameter-removed * ?q').left, []);
  assert.equal(of('parameter-removed listThings').unused.length, 1);
  for (const wrong of ['none', [{ change: 'parameter-removed x' }], [{ change: 'parameter-removed x', reason: 'why not' }]]) assert.throws(() => readAccepted(wrong), /accepted\.yaml/);
});

const contract = suite('the released contract');
contract('has no reference that the comparison cannot follow, and breaks nothing of itself', () => {
  // eslint-disable-next-line @typescript-eslint/no-unsafe-assignment -- a deep copy
  const doc: ReturnType<typeof contractOf> = JSON.parse(JSON.stringify(released));
  assert.equal(breaks({ edit: (made) => void Object.assign(made, doc) }, { edit: (made) => void Object.assign(made, JSON.parse(JSON.stringify(released))) }), NONE);
  const narrower: typeof doc = { ...doc, components: { ...doc.components, schemas: { ...doc.components.schemas, ProjectCreate: object({}) } } };
  assert.equal(breaks({ edit: (made) => void Object.assign(made, doc) }, { edit: (made) => void Object.assign(made, narrower) }).includes('request-property-removed ProjectCreate.name'), true);
});
