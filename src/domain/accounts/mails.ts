/** The words of the mails. Nothing in them was written by whoever caused them: a name or title would make the portal a sender of spam. */
import type { Mail } from '../../integrations/mail.ts';

/** Life of a link that sets a password. */
export const RESET_MS = 3_600_000;

export const resetLink = (base: string, token: string): string => `${base}/reset-password?token=${token}`;

export function confirmRegistrationMail(to: string, base: string, token: string): Mail {
  return {
    to,
    subject: 'Confirm your registration',
    text: `Somebody, we hope you, registered this address at ${base}

To make the account, open this link within 24 hours and enter the password
that you chose when you registered:

${base}/verify-email?token=${token}

Without a browser: POST /auth/verify-email with {"token", "password"}.

If it was not you, do nothing: there will be no account.
`,
  };
}

export function alreadyRegisteredMail(to: string, base: string): Mail {
  return {
    to,
    subject: 'You have an account already',
    text: `Somebody, we hope you, tried to register this address at ${base}

There is an account with this address already. Log in with its password, or
set a new one: POST /auth/forgot-password.

If it was not you, do nothing: the account is as it was.
`,
  };
}

export function resetPasswordMail(to: string, base: string, token: string): Mail {
  return {
    to,
    subject: 'Set a new password',
    text: `Somebody, we hope you, asked for a new password at ${base}

To set it, open this link within an hour. It works once, and ends every
session of the account:

${resetLink(base, token)}

Without a browser: POST /auth/reset-password with {"token", "new_password"}.

If it was not you, do nothing: the password stays as it is.
`,
  };
}

export function passwordChangedMail(to: string, base: string): Mail {
  return {
    to,
    subject: 'Your password was changed',
    text: `The password of your account at ${base} was changed, and its
sessions were ended.

If it was not you, set a new one at once (POST /auth/forgot-password) and tell
the operator of the portal.
`,
  };
}
