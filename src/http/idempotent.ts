/**
 * Idempotency-Key: the same key and request gives the first answer again. Answers are kept sealed, since some show a secret, and requests
 * are told apart by a keyed hash, since some hold a password.
 */
import { subjectOf } from '../core/actor.ts';
import { DomainError } from '../core/errors.ts';
import type { Services } from '../domain/context.ts';
import type { Db } from '../db/connect.ts';
import { claimIdempotencyKey, keepAnswer } from '../db/idempotency.ts';
import { inTransaction } from '../db/transaction.ts';
import type { Exchange } from './exchange.ts';
import type { OperationId } from './types.ts';

/** How long processes of older releases respect a claim that they should happen to see. */
const LOCK_SECONDS = 120;
const KEEP_SECONDS = 24 * 3600;

/**
 * Runs `handle` on a transaction in which its answer is kept too, or answers with what the first request with this key was answered. A request that
 * fails, or whose process is killed, leaves nothing, so that the client can mend it and send it again.
 */
export async function idempotently({ db, vault, now }: Services, exchange: Exchange, operationId: OperationId, key: string, handle: (tx: Db) => Promise<void>): Promise<void> {
  const id = { actor: subjectOf(exchange.actor, exchange.ip), operation: operationId, key };
  const digest = 'digest' in exchange.body ? exchange.body.digest : Buffer.alloc(0);
  const fingerprint = vault.mac('idempotency', Buffer.concat([Buffer.from(JSON.stringify([exchange.params, exchange.query])), digest]));
  const claim = await inTransaction(db, async (tx) => {
    const own = await claimIdempotencyKey(tx, id, fingerprint, now(), LOCK_SECONDS, KEEP_SECONDS);
    if (own.state !== 'claimed') return own;
    await handle(tx);
    const { answer } = exchange;
    if (answer !== null && (typeof answer.body === 'string' || answer.body === null)) {
      await keepAnswer(tx, id, { status: answer.status, headers: answer.headers, body: answer.body === null ? null : vault.seal(answer.body).toString('base64') });
    }
    return own;
  });
  if (claim.state === 'running') throw new DomainError('idempotency-in-progress', 'The first request with this Idempotency-Key is still running. Wait for its answer, or try again.');
  if (claim.state === 'other-request') throw new DomainError('idempotency-mismatch', 'This Idempotency-Key was used with another request. Take a new key for a new request.');
  if (claim.state === 'done') {
    exchange.headers['Idempotency-Replayed'] = 'true';
    const { status, headers, body } = claim.answer;
    exchange.answer = { status, headers, body: body === null ? null : vault.open(Buffer.from(body, 'base64')), type: null };
  }
}
