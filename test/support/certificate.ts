/** A self-signed certificate made on the spot (DER by hand), so that no private key lies in the repository and openssl is not needed. */
import { createSign, generateKeyPairSync } from 'node:crypto';

const tlv = (tag: number, ...parts: Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts);
  const length = body.length < 128 ? [body.length] : body.length < 256 ? [0x81, body.length] : [0x82, body.length >> 8, body.length & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
};
const sequence = (...parts: Uint8Array[]): Buffer => tlv(0x30, ...parts);
const oid = (...bytes: number[]): Buffer => tlv(0x06, Buffer.from(bytes));
const text = (tag: number, value: string): Buffer => tlv(tag, Buffer.from(value, 'latin1'));

const ECDSA_SHA256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));

/** PEM texts of a certificate for these host names, good until 2049. */
export function selfSigned(hosts: readonly string[]): { key: string; cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const name = sequence(tlv(0x31, sequence(oid(0x55, 0x04, 0x03), text(0x0c, hosts[0] ?? 'test'))));
  const altNames = tlv(0x04, sequence(...hosts.map((host) => (/^[\d.]+$/.test(host) ? tlv(0x87, Buffer.from(host.split('.').map(Number))) : text(0x82, host)))));
  const extensions = tlv(0xa3, sequence(
    sequence(oid(0x55, 0x1d, 0x13), tlv(0x01, Buffer.from([0xff])), tlv(0x04, sequence(tlv(0x01, Buffer.from([0xff]))))), // basicConstraints: CA
    sequence(oid(0x55, 0x1d, 0x11), altNames),
  ));
  const body = sequence(
    tlv(0xa0, tlv(0x02, Buffer.from([2]))), tlv(0x02, Buffer.from([1])), ECDSA_SHA256, name,
    sequence(text(0x17, '200101000000Z'), text(0x17, '491231235959Z')), name, publicKey.export({ type: 'spki', format: 'der' }), extensions,
  );
  const signature = createSign('SHA256').update(body).sign(privateKey);
  const der = sequence(body, ECDSA_SHA256, tlv(0x03, Buffer.from([0]), signature));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return { key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), cert: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n` };
}
