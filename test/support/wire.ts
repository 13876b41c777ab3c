/** A way to PostgreSQL that reads what clients say (frontend messages, without TLS): for facts about sessions that no query shows. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { atEnd } from './suite.ts';

export interface Wire {
  /** The database by this way. */
  url: string;
  /** Parameters of each connection's startup message. */
  startups: Record<string, string>[];
  /** Texts of simple queries and of statements that were parsed. */
  texts: string[];
  /** Names of statements that were parsed; unnamed ones are not among them. */
  prepared: string[];
}

const words = (bytes: Buffer): string[] => bytes.toString('utf8').split('\0');

export async function startWire(databaseUrl: string): Promise<Wire> {
  const target = new URL(databaseUrl);
  const wire: Wire = { url: '', startups: [], texts: [], prepared: [] };
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname.replace(/^\[|\]$/g, ''));
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('error', () => socket.destroy()).on('close', () => open.delete(socket));
    }
    client.on('data', reader(wire));
    client.pipe(upstream).pipe(client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(async () => {
    for (const socket of open) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const address: AddressInfo | string | null = server.address();
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String(typeof address === 'object' && address !== null ? address.port : 0);
  return Object.assign(wire, { url: url.href });
}

/** Reads one connection's messages: the startup message has no type in front, all others have one byte. */
function reader({ startups, texts, prepared }: Wire): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0);
  let started = false;
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const head = started ? 1 : 0;
      if (rest.length < head + 4) return;
      const end = head + rest.readInt32BE(head);
      if (rest.length < end) return;
      const type = started ? String.fromCharCode(rest[0] ?? 0) : 'startup';
      const body = rest.subarray(head + 4, end);
      rest = rest.subarray(end);
      started = true;
      if (type === 'startup') startups.push(pairs(words(body.subarray(4))));
      if (type === 'Q') texts.push(words(body)[0] ?? '');
      if (type !== 'P') continue;
      const [name = '', text = ''] = words(body);
      texts.push(text);
      if (name !== '') prepared.push(name);
    }
  };
}

function pairs(list: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (let index = 0; index + 1 < list.length && list[index] !== ''; index += 2) found[list[index] ?? ''] = list[index + 1] ?? '';
  return found;
}
