/**
 * The other end of the control protocol's Noise: a client with a machine key. For tests that have to speak as a native client does, in Node and in
 * workerd. Vectors of Go's hold it to the real one.
 */

import { noiseCrypto } from "../../src/durable/control/native-noise.ts";
import { machineKeyFromRaw, type MachineKey } from "../../src/protocol/index.ts";
import type { NoiseKeyPair } from "../../src/protocol/noise-crypto.ts";
import { noisePrologue } from "../../src/protocol/noise-handshake.ts";
import { NoiseSymmetric } from "../../src/protocol/noise-symmetric.ts";
import { NoiseTransport } from "../../src/protocol/noise-transport.ts";
import { concatBytes, parseHexKey } from "../../src/tka/index.ts";

/** The capability version that it says it has: v1.102's. */
const VERSION = 142;
const NONE = new Uint8Array(0);

export interface InitiatorOptions {
  readonly version?: number;
  readonly machine?: NoiseKeyPair;
  readonly ephemeral?: NoiseKeyPair;
}

export class NoiseInitiator {
  readonly machineKey: MachineKey;
  /** What the client sends first. */
  readonly initiation: Uint8Array;
  readonly #symmetric: NoiseSymmetric;
  readonly #machine: NoiseKeyPair;
  readonly #ephemeral: NoiseKeyPair;

  private constructor(
    initiation: Uint8Array,
    symmetric: NoiseSymmetric,
    machine: NoiseKeyPair,
    ephemeral: NoiseKeyPair,
  ) {
    this.machineKey = machineKeyFromRaw(machine.publicKey);
    this.initiation = initiation;
    this.#symmetric = symmetric;
    this.#machine = machine;
    this.#ephemeral = ephemeral;
  }

  /** A client for the control plane of that public key, `mkey:…`. */
  static async start(control: string, options: InitiatorOptions = {}): Promise<NoiseInitiator> {
    const { version = VERSION, machine = noiseCrypto.newKeyPair(), ephemeral = noiseCrypto.newKeyPair() } = options;
    const symmetric = new NoiseSymmetric(noiseCrypto);
    const controlKey = parseHexKey(control, "mkey:");
    symmetric.mixHash(noisePrologue(version));
    symmetric.mixHash(controlKey);
    symmetric.mixHash(ephemeral.publicKey);
    const keyOfMachineKey = await symmetric.mixAgreement(ephemeral.privateKey, controlKey);
    const machineKey = symmetric.sealAndHash(keyOfMachineKey, machine.publicKey);
    const tag = symmetric.sealAndHash(await symmetric.mixAgreement(machine.privateKey, controlKey), NONE);
    const header = Uint8Array.of(version >> 8, version & 0xff, 1, 0, 96);
    const initiation = concatBytes(header, ephemeral.publicKey, machineKey, tag);
    return new NoiseInitiator(initiation, symmetric, machine, ephemeral);
  }

  /** The initiation, as a header and a query carry it. */
  get handshake(): string {
    return Buffer.from(this.initiation).toString("base64");
  }

  /** Takes the response of 51 bytes, and gives the connection. Throws NoiseError where it is another's. */
  async finish(response: Uint8Array): Promise<NoiseTransport> {
    if (response.length !== 51 || response[0] !== 2) throw new Error(`not a response: ${response.length} bytes`);
    const ephemeral = response.subarray(3, 35);
    const symmetric = this.#symmetric;
    symmetric.mixHash(ephemeral);
    await symmetric.mixAgreement(this.#ephemeral.privateKey, ephemeral);
    symmetric.openAndHash(await symmetric.mixAgreement(this.#machine.privateKey, ephemeral), response.subarray(35));
    const [txKey, rxKey] = symmetric.split();
    return new NoiseTransport({ rxKey, rxNonce: 0, txKey, txNonce: 0, partial: NONE }, noiseCrypto);
  }
}
