/** A node that only polls, as a test plays it from outside: its keys, and its client of the node API. It keeps nothing, and is fast to make. */

import { randomBytes } from "node:crypto";
import { HttpsClient } from "../../src/node/https-client.ts";
import { nodeKdf } from "../../src/node/index.ts";
import { CAPABILITY_VERSION } from "../../src/protocol/index.ts";
import {
  KEY_25519,
  encodeAum,
  formatLockKeyJson,
  makeGenesis,
  nodeKeyFromRaw,
  signDirect,
  type Aum,
  type Key,
  type NodeKey,
} from "../../src/tka/index.ts";
import { fastSigner } from "../support/host-crypto.ts";

export class PollNode {
  readonly hostname: string;
  readonly lockKey = fastSigner(randomBytes(32));
  readonly nodeKey: NodeKey = nodeKeyFromRaw(randomBytes(32));
  readonly client: HttpsClient;

  constructor(hostname: string, url: string) {
    this.hostname = hostname;
    this.client = new HttpsClient(new URL(url), fastSigner(randomBytes(32)));
  }

  /** What every request names. */
  get #self() {
    return { Version: CAPABILITY_VERSION, NodeKey: this.nodeKey };
  }

  /** As the lock trusts it. */
  get key(): Key {
    return { kind: KEY_25519, votes: 1n, publicKey: this.lockKey.publicKey, meta: null };
  }

  /** Joins by the auth key; without one, gives the address at which somebody has to let it in. */
  async join(authKey: string | null, hostinfo: object = {}): Promise<string> {
    const answer = await this.client.register({
      ...this.#self,
      NLKey: formatLockKeyJson(this.lockKey.publicKey),
      Auth: authKey === null ? null : { AuthKey: authKey },
      Hostinfo: { Hostname: this.hostname, OS: "linux", IPNVersion: "1.104.5", ...hostinfo },
    });
    if (answer.Error !== "") throw new Error(`${this.hostname} was refused: ${answer.Error}`);
    return answer.AuthURL;
  }

  /** Turns the lock on, trusting these nodes' keys and this one's, and signs every node. Gives the secrets that turn it off. */
  async lock(others: readonly PollNode[] = []): Promise<{ secrets: Uint8Array[]; genesis: Aum }> {
    const secrets = [new Uint8Array(randomBytes(32)), new Uint8Array(randomBytes(32))];
    const keys = [this, ...others].map(({ key }) => key);
    const ids = { stateId1: randomBytes(8).readBigUInt64LE(), stateId2: randomBytes(8).readBigUInt64LE() };
    const disablementValues = secrets.map((secret) => nodeKdf(secret));
    const genesis = makeGenesis({ lastAumHash: null, keys, disablementValues, ...ids }, this.lockKey);
    const { NeedSignatures } = await this.client.initBegin({ ...this.#self, GenesisAUM: encodeAum(genesis) });
    const signatures = NeedSignatures.map(({ NodeID, NodePublic, RotationPubkey }) => {
      const rotation = RotationPubkey.length === 0 ? null : RotationPubkey;
      return [String(NodeID), signDirect(NodePublic, rotation, this.lockKey)] as const;
    });
    await this.client.initFinish({ ...this.#self, Signatures: new Map(signatures) });
    return { secrets, genesis };
  }
}
