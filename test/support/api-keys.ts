/** API keys as clients. */
import { member, type ContractClient } from './contract.ts';

export interface IssuedKey {
  id: string;
  prefix: string;
  text: string;
  client: ContractClient;
}

export async function issueKey(issuer: ContractClient, draft: Record<string, unknown>): Promise<IssuedKey> {
  const { body } = await issuer.expect(201, 'createApiKey', { json: { name: 'a key', ...draft } });
  const text = String(member(body, 'raw_key'));
  return { id: String(member(body, 'id')), prefix: String(member(body, 'key_prefix')), text, client: issuer.as(text) };
}
