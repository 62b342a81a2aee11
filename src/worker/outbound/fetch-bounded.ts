/** Asks another server: no redirect is followed, the answer is waited for so long and no longer, and read so far and no further. */

const TIMEOUT_MS = 10_000;
const MAX_BYTES = 256 * 1024;

async function readBounded({ body }: Response): Promise<Blob> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of (body ?? []) as AsyncIterable<Uint8Array>) {
    size += part.length;
    if (size > MAX_BYTES) throw new Error("an answer is larger than it may be");
    parts.push(part);
  }
  return new Blob(parts);
}

export interface Asked {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: BodyInit | null | undefined;
}

/** Rejects where the answer is too late or too large. */
export async function fetchBounded(
  url: string,
  { method, headers: sent, body: given = null }: Asked,
): Promise<Response> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const response = await fetch(url, { method, headers: sent, body: given, redirect: "manual", signal });
  const { status, headers } = response;
  const body = await readBounded(response);
  return new Response(body.size === 0 ? null : body, { status, headers });
}
