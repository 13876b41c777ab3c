/** LISTEN on its own connection, kept alive; tells its subscribers when it was away, since what was said meanwhile is lost to it. */
import pg from 'pg';
import type { Logger } from 'pino';

export interface Listener {
  stop: () => Promise<void>;
}

export interface ListenerEvents {
  onMessage: (channel: string, payload: string) => void;
  /** Called with true after each successful LISTEN, with false when the connection is lost. */
  onState: (listening: boolean) => void;
}

const RETRY_MS = [100, 250, 500, 1000, 2000, 5000];

export function listen(url: string, channels: readonly string[], events: ListenerEvents, log: Logger): Listener {
  let client: pg.Client | null = null;
  let timer: NodeJS.Timeout | null = null;
  let stopped = false;
  let failures = 0;

  const retry = (): void => {
    if (stopped || timer !== null) return;
    const delay = RETRY_MS[Math.min(failures, RETRY_MS.length - 1)] ?? 5000;
    failures += 1;
    timer = setTimeout(() => {
      timer = null;
      void connect();
    }, delay);
  };
  const connect = async (): Promise<void> => {
    const own = new pg.Client({ connectionString: url, application_name: 'sca-portal listener', keepAlive: true });
    let lost = false;
    const lose = (error?: Error): void => {
      if (lost) return;
      lost = true;
      client = null;
      if (!stopped) log.warn({ err: error }, 'the notification channel is down; trying again');
      events.onState(false);
      own.end().catch(() => undefined);
      retry();
    };
    own.on('error', lose);
    own.on('end', () => lose());
    own.on('notification', ({ channel, payload }) => events.onMessage(channel, payload ?? ''));
    try {
      client = own;
      await own.connect();
      for (const channel of channels) await own.query(`LISTEN ${own.escapeIdentifier(channel)}`);
      failures = 0;
      if (own === client) events.onState(true);
    } catch (error) {
      lose(error instanceof Error ? error : new Error(String(error)));
    }
  };
  void connect();
  return {
    stop: async () => {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
      await client?.end().catch(() => undefined);
    },
  };
}
