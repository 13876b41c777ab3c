/** Every operation of the contract against the running server: who may not, what is not built yet, and what does not fit. */
import * as assert from 'uvu/assert';
import { operationIds as ids, operations } from '../../generated/operations.ts';
import type { OperationId } from '../../src/http/types.ts';
import { exampleBody, member, read } from '../support/contract.ts';
import { startTestPortal } from '../support/portal.ts';
import { newUser } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

/** Operations whose release has not come. The number only falls. */
const NOT_BUILT_YET = 56;

const { anonymous, admin, database } = await startTestPortal();
const outsider = await newUser(anonymous, database, 'developer');
const NOBODY = '00000000-0000-4000-8000-000000000000';

/** Path parameters that fit their patterns and name nothing. */
function somePath(id: OperationId): Record<string, string> {
  const names = [...operations[id].path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '');
  const special: Record<string, string> = { provider: 'github', name: 'manual-20260101T000000Z' };
  return Object.fromEntries(names.map((name) => [name, special[name] ?? NOBODY]));
}

const walk = suite('every operation');
for (const id of ids) {
  const { access, method, path } = operations[id];
  const isPublic = 'public' in access;
  if (!isPublic) {
    walk(`${id} refuses a caller without a credential`, async () => {
      const { status, headers } = await anonymous.call(id, { path: somePath(id) });
      assert.is(status, 401);
      assert.is(headers.get('WWW-Authenticate'), 'Bearer');
    });
    walk(`${id} refuses a forged token`, async () => {
      const { status } = await anonymous.as('eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.').call(id, { path: somePath(id) });
      assert.is(status, 401);
    });
  }
  if ('within' in access && access.within === 'installation') {
    walk(`${id} does not exist for anyone but a super admin`, async () => {
      assert.is((await outsider.client.call(id, { path: somePath(id) })).status, 404);
    });
  }
  if (!operations[id].built) {
    walk(`${id} says that it is not built yet, or that there is no such row`, async () => {
      const { status, body } = await admin.call(id, { path: somePath(id), ...exampleBody(id) });
      assert.ok(status === 501 || status === 404, `answered ${status}`);
      if (status === 501) assert.is(member(body, 'type'), 'https://trustedoss.io/problems/not-built-yet');
    });
  }
  walk(`${id} names the allowed methods for a wrong one`, async () => {
    const url = new URL(path.replaceAll(/\{(\w+)\}/g, NOBODY), anonymous.baseUrl);
    const others = ids.filter((other) => operations[other].path === path).map((other) => operations[other].method.toUpperCase());
    const wrong = ['PUT', 'PATCH', 'DELETE', 'POST'].find((candidate) => !others.includes(candidate)) ?? 'PUT';
    const { status, headers, body } = await read(await fetch(url, { method: wrong }));
    assert.is(status, 405, `${wrong} ${path}`);
    assert.ok(headers.get('Allow')?.split(', ').includes(method.toUpperCase()), `Allow: ${headers.get('Allow') ?? ''}`);
    assert.is(member(body, 'type'), 'https://trustedoss.io/problems/method-not-allowed');
  });
  walk(`${id} refuses an unknown query parameter or the caller, in the contract's order`, async () => {
    const { status } = await admin.call(id, { path: somePath(id), query: { no_such_parameter: '1' }, ...exampleBody(id) });
    assert.ok([400, 404, 501, 403, 429].includes(status), `answered ${status}`);
  });
}

walk('the number of operations not built yet is as it is written', () => {
  assert.is(ids.filter((id) => !operations[id].built).length, NOT_BUILT_YET);
});
