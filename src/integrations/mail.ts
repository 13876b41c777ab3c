/** Mail over SMTP. The server is the operator's (SMTP_URL); what is sent is plain text. */
import { createTransport } from 'nodemailer';
import { baseUrl, type Config } from '../config.ts';
import { errorCode, isRecord } from '../core/values.ts';

export interface Mail {
  /** One address as accounts have them (core/email.ts). */
  to: string;
  subject: string;
  text: string;
  /** Makes the Message-ID, so that the same mail, sent again, is known for what it is; one of its own where there is none. */
  id?: string;
}

export interface Mailer {
  /** Resolves when the server has taken the mail. Throws MailRefused where another try would not help, else whatever failed. */
  send: (mail: Mail) => Promise<void>;
}

/** The server says that this mail will never do (SMTP 5xx to the recipient or the content). */
export class MailRefused extends Error {}

const CONNECT_MS = 10_000;
const SOCKET_MS = 30_000;
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/;

/** null where no mail server is configured. */
export function createMailer(config: Config): Mailer | null {
  if (config.SMTP_URL === null) return null;
  const { protocol, hostname, port, username, password } = new URL(config.SMTP_URL);
  const secure = protocol === 'smtps:';
  const auth = username === '' ? {} : { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } };
  const transport = createTransport({
    host: hostname.replaceAll(/[[\]]/g, ''), port: port === '' ? (secure ? 465 : 587) : Number(port), secure,
    requireTLS: !secure && username !== '' && !LOOPBACK.test(hostname), // a password goes over no open line
    ...auth, connectionTimeout: CONNECT_MS, greetingTimeout: CONNECT_MS, socketTimeout: SOCKET_MS, disableFileAccess: true, disableUrlAccess: true,
  });
  const from = config.MAIL_FROM ?? `SCA Portal <no-reply@${new URL(baseUrl(config, config.PORT)).hostname}>`;
  const domain = /@([^\s<>@]+)>?$/.exec(from)?.[1] ?? 'localhost';
  return {
    send: async ({ to, subject, text, id }) => {
      try {
        await transport.sendMail({ from, to: { name: '', address: to }, subject, text, ...(id === undefined ? {} : { messageId: `<${id}@${domain}>` }), headers: { 'Auto-Submitted': 'auto-generated' } });
      } catch (error) {
        throw isFinal(error) ? new MailRefused(`the mail server answered ${String(responseCode(error))}`) : error;
      }
    },
  };
}

/** EENVELOPE: the recipient or sender; EMESSAGE: the content. A wrong log-in or a missing server may be mended meanwhile. */
function isFinal(error: unknown): boolean {
  return ['EENVELOPE', 'EMESSAGE'].includes(errorCode(error)) && responseCode(error) >= 500;
}

function responseCode(error: unknown): number {
  const code = isRecord(error) ? error['responseCode'] : undefined;
  return typeof code === 'number' ? code : 0;
}
