/** Identifiers: UUIDv7 (RFC 9562) for rows and requests, UUIDv5 for what must come out the same each time. */
import { createHash, randomFillSync } from 'node:crypto';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function isUuid(text: unknown): text is string {
  return typeof text === 'string' && UUID.test(text);
}

/** Random bytes drawn in advance: one system call serves many ids, and no byte serves twice. */
const pool = Buffer.alloc(4096);
let drawn = pool.length;

/** A new UUIDv7; `now` in milliseconds since 1970. */
export function uuidv7(now: number = Date.now()): string {
  if (drawn + 16 > pool.length) {
    randomFillSync(pool);
    drawn = 0;
  }
  const bytes = pool.subarray(drawn, drawn + 16);
  drawn += 16;
  bytes.writeUIntBE(now, 0, 6);
  return format(bytes, 7);
}

/** The UUIDv5 of a name in a namespace: the same name gives the same id. */
export function uuidv5(name: string, namespace: string): string {
  const space = Buffer.from(namespace.replaceAll('-', ''), 'hex');
  return format(createHash('sha1').update(space).update(name).digest().subarray(0, 16), 5);
}

function format(bytes: Buffer, version: number): string {
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | (version << 4);
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
