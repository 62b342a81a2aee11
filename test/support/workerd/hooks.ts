/** Receivers of webhooks outside, as tests set them up and look at them (test/support/outside-hooks.ts). */

import { encodeHex } from "../../../src/tka/index.ts";
import { eventually } from "../eventually.ts";
import { randomBytes } from "./signed-request.ts";

export interface Received {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** How a receiver is from now on. */
export interface Manner {
  readonly addresses?: readonly string[] | null;
  readonly status?: number;
  readonly location?: string;
}

export class Receiver {
  readonly host = `h${encodeHex(randomBytes(6))}.hooks.test`;

  get url(): string {
    return `https://${this.host}/hook`;
  }

  async behave(manner: Manner): Promise<void> {
    await (await fetch(this.url, { method: "PUT", body: JSON.stringify(manner) })).text();
  }

  async received(): Promise<Received[]> {
    return (await fetch(this.url)).json();
  }

  /** Waits until that many have come; gives them all. */
  count(least: number): Promise<Received[]> {
    return eventually(async () => {
      const all = await this.received();
      if (all.length < least) throw new Error(`${this.host} has received ${all.length} of ${least}`);
      return all;
    }, 50);
  }
}
