/**
 * The control plane's key, as the bridge is given it: the bridge hands it to clients, and serves nobody before the control plane has said the same.
 *
 * Rule [Z27]: a bridge serves one control plane, whose public key it is started with. It refuses another, and what it answers of the key is what it was
 *            given, never what it was told.
 */

import {
  CAPABILITY_VERSION,
  KEY_PATH,
  ShapeError,
  parseJson,
  parseMachineKey,
  record,
  text,
  type MachineKey,
} from "../protocol/index.ts";
import { TkaError } from "../tka/index.ts";
import { Backoff } from "./backoff.ts";
import { AgentError, ControlUnreachable } from "./errors.ts";
import { readLimited } from "./limited-body.ts";

const ANSWER_MS = 10_000;
const MAX_ANSWER_BYTES = 64 * 1024;
const keyResponse = record({ publicKey: text });

/** What the control plane says its key is. Throws ControlUnreachable, and AgentError `bad_answer`. */
async function askKey(url: URL, signal: AbortSignal): Promise<MachineKey> {
  let response: Response;
  try {
    response = await fetch(new URL(`${KEY_PATH}?v=${CAPABILITY_VERSION}`, url), {
      redirect: "error",
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
    });
  } catch {
    throw new ControlUnreachable(`the control plane at ${url.origin} cannot be reached`);
  }
  const body = await readLimited(response, MAX_ANSWER_BYTES);
  if (!response.ok)
    throw new ControlUnreachable(`the control plane at ${url.origin} answered ${response.status} for its key`);
  try {
    return parseMachineKey(parseJson(body, keyResponse, "key").publicKey);
  } catch (error) {
    if (!(error instanceof ShapeError) && !(error instanceof TkaError)) throw error;
    throw new AgentError("bad_answer", `what answers at ${url.origin} is no control plane`, "check --url");
  }
}

/**
 * Returns once the control plane has said that its key is the one given [Z27]; asks again while it cannot be reached. Throws `bad_argument` where it has
 * another, and rejects where `signal` aborts.
 */
export async function checkKey(
  url: URL,
  given: MachineKey,
  signal: AbortSignal,
  log: (line: string) => void,
): Promise<void> {
  const backoff = new Backoff();
  for (;;) {
    signal.throwIfAborted();
    try {
      const said = await askKey(url, signal);
      if (said === given) return;
      const hint =
        "if its key was changed on purpose, start the bridge with the new one; if not, somebody stands in between";
      throw new AgentError("bad_argument", `the control plane at ${url.origin} has another key, ${said}`, hint);
    } catch (error) {
      if (!(error instanceof ControlUnreachable)) throw error;
      signal.throwIfAborted();
      log(`${error.message}; trying again`);
      await backoff.wait(signal);
    }
  }
}
