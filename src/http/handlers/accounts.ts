/** /auth: registration and forgotten passwords. */
import { register, verifyEmail } from '../../domain/accounts/register.ts';
import { forgotPassword, resetPassword } from '../../domain/accounts/reset-password.ts';
import { noContent } from '../reply.ts';
import type { Handlers } from '../types.ts';

export const accounts = {
  registerUser: async (context, { body }) => {
    const account = await register(context, body);
    return account === null ? { status: 202, body: { message: 'Look into your mailbox to go on.' } } : { status: 201, body: account };
  },
  verifyEmail: async (context, { body }) => ({ status: 201, body: await verifyEmail(context, body) }),
  forgotPassword: async (context, { body }) => ({ ...noContent, headers: { 'Retry-After': String(await forgotPassword(context, body.email)) } }),
  resetPassword: async (context, { body }) => {
    await resetPassword(context, { token: body.token, newPassword: body.new_password });
    return noContent;
  },
} satisfies Partial<Handlers>;
