/** A node that somebody must let in first: where they do that, kept from one try to the next. */

import { AgentError } from "./errors.ts";

/** Characters of such an address. */
const MAX_URL = 2048;

function isWebAddress(text: string): boolean {
  const url = text.length <= MAX_URL && URL.canParse(text) ? new URL(text) : null;
  return url?.protocol === "https:" || url?.protocol === "http:";
}

export class Approval {
  #url = "";
  readonly #log: (line: string) => void;

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  /** The address at which somebody lets this node in, as the control plane says: attacker-controlled. Empty where nobody need. */
  get url(): string {
    return this.#url;
  }

  /** The control plane wants somebody to come to `url`: said once. Throws `join_failed` where that is no address. */
  want(url: string): void {
    if (!isWebAddress(url))
      throw new AgentError("join_failed", "the control plane wants somebody to sign in, and gives no address for it");
    if (url !== this.#url) this.#log(`to let this node in, an admin approves it at ${url}`);
    this.#url = url;
  }

  /** Nothing is waited for any more: the node was let in, or refused. */
  end(): void {
    this.#url = "";
  }
}
