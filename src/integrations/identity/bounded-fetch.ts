/** fetch for strangers: so long and no longer, so many bytes and no more, and no redirects. */
import type { CustomFetch } from 'openid-client';
import { IdentityProviderError } from './sign-in.ts';

const MAX_ANSWER_BYTES = 1024 * 1024;

/** The time limit covers the whole answer, its body included. */
export function boundedFetch(timeoutSeconds: number): CustomFetch {
  return async (url, { body, headers, method, signal }) => {
    const limits = [AbortSignal.timeout(timeoutSeconds * 1000), ...(signal === undefined ? [] : [signal])];
    const response = await fetch(url, { method, headers, redirect: 'manual', signal: AbortSignal.any(limits), ...(body === undefined ? {} : { body: bodyOf(body) }) });
    const bytes = await readBounded(response);
    return new Response(bytes.length === 0 ? null : bytes, { status: response.status, statusText: response.statusText, headers: response.headers });
  };
}

function bodyOf(body: unknown): string | URLSearchParams | null {
  if (body === null || typeof body === 'string' || body instanceof URLSearchParams) return body;
  throw new Error('a body of a kind that no request of ours has');
}

async function readBounded(response: Response): Promise<Buffer<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const body: ReadableStream<Uint8Array> | null = response.body;
  if (body === null) return Buffer.alloc(0);
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) throw new IdentityProviderError(`the answer is larger than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
