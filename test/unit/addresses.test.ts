/** Which addresses count as private, in all their spellings, and that a name is judged by every address it has. */
import * as assert from 'uvu/assert';
import { AddressError, checkAllowed, createAddressGuard, isPrivateAddress } from '../../src/integrations/addresses.ts';
import { suite } from '../support/suite.ts';

const addresses = suite('isPrivateAddress');
const PRIVATE = [
  '0.0.0.0', '10.1.2.3', '100.64.0.1', '100.100.100.200', '127.0.0.1', '127.255.255.254', '168.63.129.16', '169.254.169.254', '172.16.0.1', '172.31.255.255', '192.0.0.192', '192.168.1.1', '198.18.0.1', '224.0.0.1', '239.1.1.1', '255.255.255.255',
  '::', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:a9fe:a9fe', '::127.0.0.1', '64:ff9b::10.0.0.1', '64:ff9b::a9fe:a9fe', '64:ff9b:1::a00:1', '2002:7f00:1::', '2002:c0a8:101::1', '2001:0:4136:e378:8000:63bf:3fff:fdd2',
  'fe80::1', 'fe80::1%eth0', 'fec0::1', 'fc00::1', 'fd00:ec2::254', 'ff02::1', '2001:db8::1', '3fff::1', '100::1', '5f00::1',
];
for (const address of PRIVATE) addresses(`${address} is private`, () => assert.ok(isPrivateAddress(address.replace(/%.*/, ''))));
for (const address of ['1.1.1.1', '172.32.0.1', '100.128.0.1', '192.169.0.1', '223.255.255.255', '2606:4700::1111', '::ffff:1.1.1.1', '64:ff9b::1.1.1.1', '2002:101:101::1']) {
  addresses(`${address} is public`, () => assert.not.ok(isPrivateAddress(address)));
}

const guard = suite('createAddressGuard');
const answers = (...found: string[]) => () => Promise.resolve(found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })));
const codeOf = async (work: Promise<unknown>): Promise<string> => work.then(() => 'allowed', (error: unknown) => (error instanceof AddressError ? error.code : String(error)));
guard('refuses a name of which one address is private, and addresses in any spelling', async () => {
  assert.is(await codeOf(createAddressGuard([], answers('1.1.1.1', '10.0.0.1')).resolve('two.example')), 'refused');
  assert.is(await codeOf(createAddressGuard([], answers('1.1.1.1', '2606:4700::1111')).resolve('two.example')), 'allowed');
  assert.is(await codeOf(createAddressGuard([], answers()).resolve('none.example')), 'unresolved');
  assert.is(await codeOf(createAddressGuard([]).resolve('localhost')), 'refused');
  for (const host of ['[::1]', '::ffff:127.0.0.1', '169.254.169.254', 'localhost.', '0x7f.1', '2130706433', '127.1', '017700000001']) assert.is(await codeOf(createAddressGuard([]).resolve(host)), 'refused', host);
  assert.is(await codeOf(createAddressGuard([], () => Promise.reject(new Error('SERVFAIL'))).resolve('x.example')), 'unresolved');
});
guard('allows what the operator names: blocks, addresses and hosts, and nothing more', async () => {
  const allowing = (entry: string, host: string, ...found: string[]) => codeOf(createAddressGuard([entry], answers(...found)).resolve(host));
  assert.is(await allowing('10.0.0.0/8', 'git.corp', '10.9.9.9'), 'allowed');
  assert.is(await allowing('10.0.0.0/8', 'git.corp', '192.168.0.1'), 'refused');
  assert.is(await allowing('10.0.0.0/8', 'git.corp', '::ffff:10.9.9.9'), 'allowed');
  assert.is(await allowing('git.corp', 'GIT.corp', '192.168.0.1'), 'allowed');
  assert.is(await allowing('git.corp', 'x.git.corp', '192.168.0.1'), 'refused');
  assert.is(await allowing('fd00::/8', 'git.corp', 'fd00::5'), 'allowed');
  assert.is(await allowing('192.168.0.7', 'git.corp', '192.168.0.7'), 'allowed');
});
guard('knows without DNS what stands in a URL', () => {
  const { refuses } = createAddressGuard(['192.168.5.0/24']);
  assert.equal(['127.0.0.1', '[::1]', 'localhost', 'x.localhost', '192.168.5.5', '192.168.6.5', 'example.com', '8.8.8.8'].map(refuses), [true, true, true, true, false, true, false, false]);
});
guard('names a wrong entry of the setting', () => {
  for (const good of ['10.0.0.0/8', '::1', 'fd00::/8', 'git.corp', 'host-1']) checkAllowed(good);
  for (const bad of ['10.0.0.0/33', '10.0.0.0/8/8', '/8', '10.0.0', 'a b', '-x']) assert.throws(() => checkAllowed(bad), /must list/, bad);
});
