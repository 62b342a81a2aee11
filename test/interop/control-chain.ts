/**
 * A long chain in a real control plane: workerd as a newcomer starts it, asked over HTTPS by one signing node. Time passes while it is
 * stopped: the commit times in the object's SQLite are put back.
 */

import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { HttpsClient, type RequestBody } from "../../src/node/https-client.ts";
import {
  CAPABILITY_VERSION,
  type BootstrapResponse,
  type SyncOfferResponse,
  type SyncSendResponse,
} from "../../src/protocol/index.ts";
import {
  EMPTY_STATE,
  KEY_25519,
  aumHash,
  encodeAum,
  formatLockKeyJson,
  makeGenesis,
  nodeKeyFromRaw,
  signDirect,
  type Aum,
  type Signer,
} from "../../src/tka/index.ts";
import { ControlPlane } from "../e2e/control-plane.ts";
import { fastSigner } from "../support/host-crypto.ts";
import type { Tip } from "../support/idle-chain.ts";

const FORTNIGHT = 15 * 24 * 60 * 60 * 1000;

function age(folder: string): void {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".sqlite"));
  for (const name of files) {
    const database = new DatabaseSync(join(folder, name));
    const has = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'aums'").get() !== undefined;
    if (has) database.prepare("UPDATE aums SET committed = committed - ?").run(FORTNIGHT);
    database.close();
  }
}

export class ControlChain {
  readonly #folder = mkdtempSync(join(tmpdir(), "tailward-chain-"));
  readonly #requestKey = fastSigner(randomBytes(32));
  readonly #nodeKey = nodeKeyFromRaw(randomBytes(32));
  readonly signer: Signer = fastSigner(randomBytes(32));
  readonly genesis: Aum;
  #control: ControlPlane | null = null;

  private constructor() {
    const key = { kind: KEY_25519, votes: 1n, publicKey: this.signer.publicKey, meta: null };
    const state = { ...EMPTY_STATE, keys: [key], disablementValues: [randomBytes(32)], stateId1: 1n, stateId2: 2n };
    this.genesis = makeGenesis(state, this.signer);
  }

  /** A tailnet of one node, with its lock on. */
  static async start(): Promise<ControlChain> {
    const chain = new ControlChain();
    const control = (chain.#control = await ControlPlane.start(chain.#folder));
    const AuthKey = await control.createAuthKey(await control.createTailnet("long.test"));
    const client = chain.#client();
    await client.register(
      chain.#asked({
        NLKey: formatLockKeyJson(chain.signer.publicKey),
        Auth: { AuthKey },
        Hostinfo: { Hostname: "signer", OS: "linux", IPNVersion: "test" },
      }),
    );
    const { NeedSignatures } = await client.initBegin(chain.#asked({ GenesisAUM: encodeAum(chain.genesis) }));
    const signed = NeedSignatures.map(
      ({ NodeID, NodePublic }) => [String(NodeID), signDirect(NodePublic, null, chain.signer)] as const,
    );
    await client.initFinish(chain.#asked({ Signatures: new Map(signed) }));
    return chain;
  }

  #client(): HttpsClient {
    if (this.#control === null) throw new Error("the control plane is stopped");
    return new HttpsClient(new URL(this.#control.url), this.#requestKey);
  }

  #asked(fields: RequestBody): RequestBody {
    return { Version: CAPABILITY_VERSION, NodeKey: this.#nodeKey, ...fields };
  }

  get tip(): Tip {
    if (this.genesis.state === null) throw new Error("the genesis has no state");
    return { head: aumHash(this.genesis), state: this.genesis.state };
  }

  bootstrap(): Promise<BootstrapResponse> {
    return this.#client().bootstrap(this.#asked({ Head: "" }));
  }

  offer(Head: string, Ancestors: readonly string[]): Promise<SyncOfferResponse> {
    return this.#client().syncOffer(this.#asked({ Head, Ancestors }));
  }

  send(Head: string, MissingAUMs: readonly Uint8Array[]): Promise<SyncSendResponse> {
    return this.#client().syncSend(this.#asked({ Head, MissingAUMs, Interactive: false }));
  }

  /** Stops the control plane, lets 15 days pass, and starts it again. */
  async sleep(): Promise<void> {
    await this.#control?.stop();
    age(this.#folder);
    this.#control = await ControlPlane.start(this.#folder);
  }

  async close(): Promise<void> {
    await this.#control?.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
