/** A mail server of one's own on loopback: what the portal sends arrives here over SMTP and is parsed as a mail program would. */
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';
import { atEnd } from './suite.ts';

export interface ReceivedMail {
  to: string;
  headers: ReadonlyMap<string, string>;
  text: string;
}

export interface Mailbox {
  /** For SMTP_URL. */
  url: string;
  /** All that came, in order. */
  mails: readonly ReceivedMail[];
  /** The next mail to an address that was not handed out yet; waits for it. */
  next: (to: string) => Promise<ReceivedMail>;
  /** Answers the next mails with these errors instead of taking them. */
  refuse: (...responseCodes: number[]) => void;
}

export async function openMailbox(): Promise<Mailbox> {
  const mails: ReceivedMail[] = [];
  const unread: ReceivedMail[] = [];
  const waiting = new Set<() => void>();
  const refusals: number[] = [];
  const server = new SMTPServer({
    authOptional: true, disabledCommands: ['STARTTLS'], disableReverseLookup: true, logger: false,
    onData: (stream, session, done) => {
      void buffer(stream).then((bytes) => {
        const code = refusals.shift();
        if (code !== undefined) return done(Object.assign(new Error('not now'), { responseCode: code }));
        const recipients = session.envelope.rcptTo.map(({ address }) => address);
        const mail = parse(bytes.toString('latin1'), recipients.join(', '));
        mails.push(mail);
        unread.push(mail);
        done();
        for (const check of waiting) check();
      }, done);
    },
  });
  server.on('error', () => undefined); // a client that goes away
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  atEnd(() => new Promise<void>((resolve) => server.close(resolve)));
  const address = server.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `smtp://127.0.0.1:${port}`, mails,
    refuse: (...responseCodes) => { refusals.push(...responseCodes); },
    next: (to) =>
      new Promise((resolve) => {
        const check = (): void => {
          const mail = unread.find((one) => one.to === to);
          if (mail === undefined) return;
          unread.splice(unread.indexOf(mail), 1);
          waiting.delete(check);
          resolve(mail);
        };
        waiting.add(check);
        check();
      }),
  };
}

/** The token of the first link to this page. */
export function tokenIn({ text }: ReceivedMail, page: 'verify-email' | 'reset-password'): string {
  return new RegExp(`^\\S+/${page}\\?token=([\\w-]{43})$`, 'm').exec(text)?.[1] ?? '';
}

/** Headers unfolded; the body decoded by its transfer encoding. */
function parse(raw: string, to: string): ReceivedMail {
  const [head = '', ...rest] = raw.split('\r\n\r\n');
  const headers = new Map(head.replaceAll(/\r\n[ \t]+/g, ' ').split('\r\n').map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  }));
  const body = rest.join('\r\n\r\n');
  const bytes = decode(body, headers.get('content-transfer-encoding') ?? '7bit');
  return { to, headers, text: bytes.toString('utf8').replaceAll('\r\n', '\n') };
}

function decode(body: string, encoding: string): Buffer {
  if (encoding === 'base64') return Buffer.from(body, 'base64');
  if (encoding !== 'quoted-printable') return Buffer.from(body, 'latin1');
  return Buffer.from(body.replaceAll(/=\r\n/g, '').replaceAll(/=([0-9A-F]{2})/g, (_match, hex: string) => String.fromCharCode(parseInt(hex, 16))), 'latin1');
}
