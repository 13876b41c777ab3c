/** The signed-in user's own sessions. */
import type { UserActor } from '../../core/actor.ts';
import { notFound } from '../../core/errors.ts';
import type { Page, PageRequest } from '../../core/page.ts';
import { endSessionOf, endSessionsOf, listSessions, type SessionRow } from '../../db/sessions.ts';
import { inTransaction } from '../../db/transaction.ts';
import { audit } from '../audit.ts';
import type { Context } from '../context.ts';

export type MySession = SessionRow & { current: boolean };

export async function listMySessions(context: Context, actor: UserActor, page: PageRequest): Promise<Page<MySession>> {
  const { items, total } = await listSessions(context.db, actor.userId, context.now(), page);
  return { items: items.map((session) => ({ ...session, current: session.id === actor.sessionId })), total, limit: page.limit, offset: page.offset };
}

/** Throws not-found, for another user's session too. */
export async function endMySession(context: Context, actor: UserActor, sessionId: string): Promise<void> {
  await inTransaction(context.db, async (tx) => {
    if (!(await endSessionOf(tx, actor.userId, sessionId, context.now()))) throw notFound('The session');
    await audit(tx, context, { action: 'delete', table: 'sessions', id: sessionId, diff: { user_id: actor.userId } });
  });
}

export async function endMyOtherSessions(context: Context, actor: UserActor): Promise<void> {
  await inTransaction(context.db, async (tx) => {
    const ended = await endSessionsOf(tx, actor.userId, actor.sessionId, 'revoked');
    await audit(tx, context, { action: 'delete', table: 'sessions', id: null, diff: { user_id: actor.userId, spared: actor.sessionId, ended } });
  });
}
