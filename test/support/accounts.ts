/** A portal that mails, and the steps that tests of accounts share. */
import { sql } from 'kysely';
import type { Answer } from './contract.ts';
import { openMailbox, tokenIn } from './mailbox.ts';
import { startTestPortal, type TestPortal } from './portal.ts';

export const PASSWORD = 'copper-lantern-27-orbit';
export const NEXT = 'velvet-harbour-61-quartz';

export const someone = (): string => `${crypto.randomUUID().slice(0, 13)}@example.com`;
export const comparable = ({ status, text, headers }: Answer): unknown[] => [status, text, headers.get('Retry-After'), headers.get('Content-Type')];

export async function forgetLimits(...portals: readonly TestPortal[]): Promise<void> {
  for (const { database } of portals) await sql`DELETE FROM rate_limits`.execute(database.db);
}

export async function startMailing() {
  const mailbox = await openMailbox();
  const mailing = await startTestPortal({ SMTP_URL: mailbox.url, MAIL_FROM: 'Portal <portal@example.test>' });

  /** An account that was confirmed by mail, not signed in. */
  async function registered(email = someone()): Promise<string> {
    await mailing.anonymous.expect(202, 'registerUser', { json: { email, password: PASSWORD } });
    await mailing.anonymous.expect(201, 'verifyEmail', { json: { token: tokenIn(await mailbox.next(email), 'verify-email'), password: PASSWORD } });
    await forgetLimits(mailing);
    return email;
  }
  async function resetToken(email: string): Promise<string> {
    await forgetLimits(mailing);
    await mailing.anonymous.expect(204, 'forgotPassword', { json: { email } });
    return tokenIn(await mailbox.next(email), 'reset-password');
  }
  return { mailbox, mailing, db: mailing.database.db, registered, resetToken };
}
