/** Clients of v1.102 and v1.104 catch up over 3,000 AUMs by our control plane's batches, from the genesis and as newcomers [Y6] [Y7] [Y11]. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MAX_SYNC_AUMS } from "../../src/protocol/index.ts";
import { aumHash, encodeAum, type Aum } from "../../src/tka/index.ts";
import { idle } from "../support/idle-chain.ts";
import type { Step } from "./both-sides.ts";
import { ControlChain } from "./control-chain.ts";
import {
  Oracle,
  fromBase64,
  isOk,
  toBase64,
  unwrap,
  type AumsResult,
  type HeadResult,
  type OfferText,
  type OracleVersion,
} from "./oracle-client.ts";

const AUMS = 3000;
let control: ControlChain;
let updates: readonly Aum[];

beforeAll(async () => {
  control = await ControlChain.start();
  updates = idle(AUMS, control.tip, control.signer);
  for (let from = 0; from < AUMS; from += 1000) {
    const batch = updates.slice(from, from + 1000);
    await control.send(aumHash(batch.at(-1) as Aum), batch.map(encodeAum));
    await control.sleep();
  }
}, 180_000);

afterAll(async () => {
  await control.close();
});

/** A Go authority, kept over several plays: each acts again what came before. */
class Client {
  readonly batches: number[] = [];
  readonly #oracle: Oracle;
  readonly #steps: Step[];

  constructor(oracle: Oracle, steps: readonly Step[]) {
    this.#oracle = oracle;
    this.#steps = [...steps];
  }

  async ask<T>(step: Step): Promise<T> {
    return unwrap((await this.#oracle.play([...this.#steps, step])).at(-1) as { ok: T });
  }

  /** True if Go opens what it has stored again. */
  async opens(): Promise<boolean> {
    const [last] = (await this.#oracle.play([...this.#steps, { do: "open", node: "a" }])).slice(-1);
    return last !== undefined && isOk(last);
  }

  /** What Tailscale's client does each time it is told a head that is not its own. Gives what it would send back, and the control's head. */
  async exchange(): Promise<{ readonly sent: number; readonly theirs: string }> {
    const offer = await this.ask<OfferText>({ do: "offer", node: "a" });
    const { Head, Ancestors, MissingAUMs } = await control.offer(offer.head, offer.ancestors);
    if (Head === offer.head) return { sent: 0, theirs: Head };
    const { aums } = await this.ask<AumsResult>({ do: "missing", node: "a", head: Head, ancestors: Ancestors });
    this.batches.push(MissingAUMs.length);
    if (MissingAUMs.length > 0)
      this.#steps.push({ do: "inform", node: "a", aums: MissingAUMs.map((aum) => toBase64(aum)) });
    const { head } = await this.ask<HeadResult>({ do: "head", node: "a" });
    const answer = await control.send(
      head,
      aums.map((aum) => fromBase64(aum)),
    );
    return { sent: aums.length, theirs: answer.Head };
  }

  async follow(): Promise<{ readonly head: string; readonly sent: number }> {
    let sent = 0;
    for (let i = 0; i < 10; i++) {
      const round = await this.exchange();
      sent += round.sent;
      const { head } = await this.ask<HeadResult>({ do: "head", node: "a" });
      if (head === round.theirs) return { head, sent };
    }
    throw new Error("the client does not catch up");
  }
}

describe.each<OracleVersion>(["v1.102", "v1.104"])("an authority of %s", (version) => {
  let oracle: Oracle;

  beforeAll(async () => {
    oracle = await Oracle.start(version);
  });

  afterAll(() => {
    oracle.close();
  });

  const bootstrapped = (aum: Uint8Array): Step => ({ do: "bootstrap", node: "a", aum: toBase64(aum) });
  const end = (): string => aumHash(updates.at(-1) as Aum);

  test.each([0, 20, 700])(
    "that slept since AUM %i catches up in batches, and sends back nothing",
    async (from) => {
      const first = updates.slice(0, from).map((aum) => toBase64(encodeAum(aum)));
      const informed = from === 0 ? [] : [{ do: "inform", node: "a", aums: first }];
      const client = new Client(oracle, [bootstrapped(encodeAum(control.genesis)), ...informed]);
      expect(await client.follow()).toEqual({ head: end(), sent: 0 });
      expect(client.batches.every((count) => count <= MAX_SYNC_AUMS)).toBe(true);
      expect(client.batches.reduce((sum, count) => sum + count, 0)).toBe(AUMS - from);
      // The reason for [Y11]: what it took in is too young to be forgotten, and too much to be opened.
      expect(await client.opens()).toBe(false);
    },
    120_000,
  );

  test("that is new catches up, and opens its chain again", async () => {
    const { GenesisAUM } = await control.bootstrap();
    const client = new Client(oracle, [bootstrapped(GenesisAUM)]);
    expect(await client.follow()).toEqual({ head: end(), sent: 0 });
    expect(await client.opens()).toBe(true);
  }, 120_000);
});
