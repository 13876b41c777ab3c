/** The path normaliser, client addresses, ids and sort keys: small pure pieces of the HTTP layer. */
import * as assert from 'uvu/assert';
import { isUuid, uuidv5, uuidv7 } from '../../src/core/ids.ts';
import { parseSort } from '../../src/core/page.ts';
import { createVault } from '../../src/core/vault.ts';
import { clientAddress } from '../../src/http/client-address.ts';
import { canonicalPath } from '../../src/http/paths.ts';
import { suite } from '../support/suite.ts';

const paths = suite('canonicalPath');
for (const [given, canonical] of [
  ['/v1/projects', '/v1/projects'], ['/v1/projects/', '/v1/projects'], ['/api/v1/projects//', '/v1/projects'], ['/api', '/'], ['/api/', '/'],
  ['/v1/auth/login', '/auth/login'], ['/api/v1/auth/login/', '/auth/login'], ['/apiary', '/apiary'], ['/v1/authors', '/v1/authors'], ['/', '/'],
] as const) {
  paths(`${given} is ${canonical}`, () => assert.is(canonicalPath(given), canonical));
}

const address = suite('clientAddress');
address('X-Forwarded-For is not believed without trusted proxies', () => {
  assert.is(clientAddress([])('10.0.0.9', '1.2.3.4'), '10.0.0.9');
});
address('the hop before the last trusted proxy counts', () => {
  const of = clientAddress(['10.0.0.0/8', '::1']);
  assert.is(of('::ffff:10.0.0.9', '6.6.6.6, 1.2.3.4, 10.1.1.1'), '1.2.3.4');
  assert.is(of('::1', 'garbage'), '::1');
  assert.is(of('8.8.8.8', '1.2.3.4'), '8.8.8.8');
});

const ids = suite('ids');
ids('a UUIDv7 sorts by its time and says its version', () => {
  const [early, late] = [uuidv7(1_000), uuidv7(2_000)];
  assert.ok(early < late);
  assert.match(early, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.ok(isUuid(early));
  assert.not.ok(isUuid('not-an-id'));
});
ids('a UUIDv5 is that of RFC 9562, appendix A.4', () => {
  assert.is(uuidv5('www.example.com', '6ba7b810-9dad-11d1-80b4-00c04fd430c8'), '2ed6657d-e927-568b-95e1-2665a8aea6a2');
});

const sort = suite('parseSort');
sort('fields come in order, a dash means descending, repeats count once', () => {
  assert.equal(parseSort('name,-created_at,name', ['name', 'created_at'], Error), [{ field: 'name', descending: false }, { field: 'created_at', descending: true }]);
});
sort('an unknown field is refused', () => {
  assert.throws(() => parseSort('nope', ['name'], (field) => new Error(`no ${field}`)), /no nope/);
});

const vault = suite('vault');
vault('what was sealed opens with the same master key only', () => {
  const sealed = createVault('a'.repeat(32)).seal('token');
  assert.is(createVault('a'.repeat(32)).open(sealed), 'token');
  assert.throws(() => createVault('b'.repeat(32)).open(sealed));
  sealed[20] = (sealed[20] ?? 0) ^ 1;
  assert.throws(() => createVault('a'.repeat(32)).open(sealed));
});
