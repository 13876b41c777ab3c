/** Two generators other than ours make clients of the contract that compile and work: @hey-api/openapi-ts and orval. */
import * as assert from 'uvu/assert';
import { SMALL_SBOM } from '../support/fixtures.ts';
import { generateClients } from '../support/generators.ts';
import { startTestPortal } from '../support/portal.ts';
import { suite } from '../support/suite.ts';

const { portal, admin } = await startTestPortal({}, { api: true, worker: false });
const clients = await generateClients(portal.url);
const refused = 'https://trustedoss.io/problems/validation-failed';

const generated = suite('clients of other generators');
generated('compile under strict rules', async () => {
  assert.is(await clients.typeErrors(), '');
}, { timeoutMs: 120_000 });
generated('@hey-api/openapi-ts lists, creates, uploads an SBOM and gets typed problems', async () => {
  assert.equal(await clients.call('hey-api', admin.token ?? '', SMALL_SBOM), { total: 1, name: 'By hey-api', scan: 'sbom', refused });
});
generated('orval lists, creates, uploads an SBOM and gets typed problems', async () => {
  assert.equal(await clients.call('orval', admin.token ?? '', SMALL_SBOM), { total: 1, name: 'By orval', scan: 'sbom', refused });
});
