/** Keys that sign access tokens, as the portal keeps them. */
import type { JWK } from 'jose';
import { sql } from 'kysely';
import * as assert from 'uvu/assert';
import { isRecord } from '../../src/core/values.ts';
import type { Services } from '../../src/domain/context.ts';

/** The private half. */
export async function privateJwk({ db, vault }: Pick<Services, 'db' | 'vault'>, kid: string): Promise<JWK> {
  const { rows } = await sql<{ private_sealed: Buffer }>`SELECT private_sealed FROM signing_keys WHERE kid = ${kid}`.execute(db);
  const jwk: unknown = JSON.parse(vault.open(rows[0]?.private_sealed ?? Buffer.alloc(0)));
  assert.ok(isRecord(jwk));
  return jwk;
}
