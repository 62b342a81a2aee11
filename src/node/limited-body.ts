/** Reads attacker-controlled bodies without taking more than a limit into memory. */

import type { IncomingMessage } from "node:http";
import { AgentError, ControlUnreachable } from "./errors.ts";

async function collect(chunks: AsyncIterable<Uint8Array>, limit: number): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.length;
    if (length > limit) throw new AgentError("bad_answer", `a message of more than ${limit} bytes`);
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString("utf8");
}

/** The text of a response. Throws `bad_answer` past `limit` bytes, ControlUnreachable where the connection breaks. */
export async function readLimited(response: Response, limit: number): Promise<string> {
  if (response.body === null) return "";
  try {
    return await collect(response.body, limit);
  } catch (error) {
    if (error instanceof AgentError) throw error;
    throw new ControlUnreachable("the connection to the control plane broke off in the middle of an answer");
  }
}

/** The text of a request on the local socket. Throws `bad_answer` past `limit` bytes. */
export function readRequest(request: IncomingMessage, limit: number): Promise<string> {
  return collect(request, limit);
}
