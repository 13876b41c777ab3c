/** A proxy on loopback that spreads connections over the processes that live, as the load balancer in front of an installation does. It knows nothing of HTTP. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface Balancer {
  url: string;
  /** Connections that no process took. */
  refused: () => number;
  close: () => Promise<void>;
}

const RETRY_MS = 50;
const PATIENCE_MS = 10_000;

/** @param ports of the processes that live, asked anew for each connection */
export async function startBalancer(ports: () => readonly number[]): Promise<Balancer> {
  const open = new Set<Socket>();
  let [turn, refused] = [0, 0];

  /** Tries one process after another until one takes the connection. */
  const reach = (client: Socket, deadline: number): void => {
    if (client.destroyed) return;
    const live = ports();
    turn += 1;
    const port = live[turn % Math.max(1, live.length)];
    const again = (): void => {
      if (Date.now() > deadline) {
        refused += 1;
        client.destroy();
      } else setTimeout(() => reach(client, deadline), RETRY_MS);
    };
    if (port === undefined) return again();
    let connected = false;
    const server = connect({ port, host: '127.0.0.1', noDelay: true }, () => {
      connected = true;
      open.add(server);
      client.pipe(server).pipe(client);
    });
    server.on('error', () => (connected ? client.destroy() : again()));
    server.on('close', () => {
      open.delete(server);
      if (connected) client.destroy();
    });
    client.on('close', () => server.destroy());
  };

  const server = createServer({ pauseOnConnect: false, noDelay: true }, (client) => {
    open.add(client);
    client.on('close', () => open.delete(client)).on('error', () => client.destroy());
    reach(client, Date.now() + PATIENCE_MS);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address: AddressInfo | string | null = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    refused: () => refused,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}
