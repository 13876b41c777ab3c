/** A receiver of channels on loopback: keeps what comes, and misbehaves when told to. */
import { isRecord } from '../../src/core/values.ts';
import { startServer } from './identity-provider.ts';

export interface Received {
  path: string;
  headers: Record<string, string>;
  raw: string;
  body: Record<string, unknown>;
}

export interface TestReceiver {
  url: string;
  received: Received[];
  /** In place of the next answers: a status with headers, or null for none at all. What came is kept all the same. */
  answers: ({ status: number; headers?: Record<string, string> } | null)[];
}

export async function startReceiver(): Promise<TestReceiver> {
  const received: Received[] = [];
  const answers: TestReceiver['answers'] = [];
  const { url } = await startServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
      const raw = Buffer.concat(chunks).toString('utf8');
      const body: unknown = JSON.parse(raw);
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
      received.push({ path: request.url ?? '', headers, raw, body: isRecord(body) ? body : {} });
      const answer = answers.shift();
      if (answer === null) return; // it hangs
      response.writeHead(answer?.status ?? 204, answer?.headers).end();
    });
  });
  return { url, received, answers };
}
