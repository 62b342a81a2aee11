/** A node without an agent: its keys, its own copy of the chain, and the agent's HTTPS client. It asks what it is told to ask. */

import { HttpsClient } from "../../src/node/https-client.ts";
import { nodeVerifier, nodeKdf } from "../../src/node/index.ts";
import { LocalLock } from "../../src/node/local-lock.ts";
import { newNodeKey, newSigningKey, publicNodeKey } from "../../src/node/native-crypto.ts";
import { CAPABILITY_VERSION, type SyncSendResponse } from "../../src/protocol/index.ts";
import {
  MemoryChonk,
  aumHash,
  decodeAum,
  encodeAum,
  encodeHex,
  formatLockKeyJson,
  signDirect,
  type Aum,
  type NodeKey,
  type Signer,
} from "../../src/tka/index.ts";
import { untilAnswered, type Ledger, type Verdict } from "./ledger.ts";

type Fields = Readonly<Record<string, unknown>>;

export class LightNode {
  readonly name: string;
  readonly nodeKey: NodeKey;
  /** Signs requests. */
  readonly requestSigner: Signer = newSigningKey().signer;
  /** Holds the node's lock key. */
  readonly signer: Signer = newSigningKey().signer;
  readonly client: HttpsClient;
  readonly lock = new LocalLock({
    chonk: new MemoryChonk(),
    verifier: nodeVerifier,
    kdf: nodeKdf,
    now: () => Date.now(),
  });

  constructor(url: URL, name: string) {
    this.name = name;
    this.nodeKey = publicNodeKey(newNodeKey());
    this.client = new HttpsClient(url, this.requestSigner);
  }

  #body(fields: Fields): Fields {
    return { Version: CAPABILITY_VERSION, NodeKey: this.nodeKey, ...fields };
  }

  join(ledger: Ledger, authKey: string): Promise<Verdict> {
    const body = this.#body({
      NLKey: formatLockKeyJson(this.signer.publicKey),
      Auth: { AuthKey: authKey },
      Hostinfo: { Hostname: this.name, OS: "linux", IPNVersion: "faults" },
      Ephemeral: false,
      NodeKeySignature: new Uint8Array(0),
      OldNodeKey: null,
    });
    return ledger.act({ kind: "join", ids: [this.nodeKey], subject: this.nodeKey }, async () => {
      const { Error: refused } = await this.client.register(body);
      if (refused !== "") throw new Error(`the node was not let in: ${refused}`);
    });
  }

  /** Turns the lock on with this genesis, and signs every node that there is. */
  async turnOn(genesis: Aum): Promise<void> {
    const GenesisAUM = encodeAum(genesis);
    const { NeedSignatures } = await this.client.initBegin(this.#body({ GenesisAUM }));
    const signatures = NeedSignatures.map(({ NodeID, NodePublic, RotationPubkey }) => {
      const rotationKey = RotationPubkey.length === 0 ? null : RotationPubkey;
      return [String(NodeID), signDirect(NodePublic, rotationKey, this.signer)] as const;
    });
    await this.client.initFinish(this.#body({ Signatures: new Map(signatures), Genesis: aumHash(genesis) }));
  }

  async #ask<T>(send: () => Promise<T>): Promise<T> {
    const { verdict, value } = await untilAnswered(send);
    if (value === null) throw new Error(`${this.name} was answered with ${JSON.stringify(verdict)}`);
    return value;
  }

  /** Brings its own chain up to date. */
  async sync(): Promise<void> {
    if (this.lock.authority === null) {
      const { GenesisAUM } = await this.#ask(() => this.client.bootstrap(this.#body({ Head: "" })));
      this.lock.bootstrap(GenesisAUM, []);
    }
    for (;;) {
      const { head, ancestors } = this.lock.offer();
      const offer = this.#body({ Head: head, Ancestors: ancestors });
      const { MissingAUMs } = await this.#ask(() => this.client.syncOffer(offer));
      if (MissingAUMs.length === 0) return;
      this.lock.inform(MissingAUMs.map(decodeAum));
      if (this.lock.require().head === head) return;
    }
  }

  /** Sends updates as a person's change of the lock. */
  append(ledger: Ledger, updates: readonly Aum[], forbidden = false): Promise<Verdict> {
    const ids = updates.map(aumHash);
    const body = this.#body({
      Head: this.lock.require().head,
      MissingAUMs: updates.map(encodeAum),
      Interactive: true,
    });
    return ledger.act({ kind: "append", ids, forbidden }, async (): Promise<SyncSendResponse> => {
      const answer = await this.client.syncSend(body);
      if (answer.Head !== ids.at(-1)) throw new Error("an interactive send was taken, and its head does not count");
      return answer;
    });
  }

  /** Signs a node key; `rotationKey` makes the signature another one each time. */
  sign(ledger: Ledger, subject: NodeKey, rotationKey: Uint8Array, forbidden = false): Promise<Verdict> {
    const Signature = signDirect(subject, rotationKey, this.signer);
    const wish = { kind: "sign", ids: [encodeHex(Signature)], subject, forbidden } as const;
    return ledger.act(wish, () => this.client.sign(this.#body({ Signature })));
  }
}
