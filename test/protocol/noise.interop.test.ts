/** The Noise responder against Go's, of both modules: given the keys that Go drew, it says the same, byte for byte [T2][T3][T4]. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { noiseCrypto } from "../../src/durable/control/native-noise.ts";
import { NoiseTransport, openInitiation, parseControlKey, type NoiseCrypto } from "../../src/protocol/index.ts";
import { Oracle, fromBase64, toBase64, type NoiseAnswer, type OracleVersion } from "../interop/oracle-client.ts";
import golden from "../vectors/noise.json" with { type: "json" };

/** Sizes at the borders of a record: 4,077 bytes of plaintext. */
const SIZES = [1, 16, 4076, 4077, 4078, 8154, 8155, 20_000];
const VERSIONS = [97, 123, 142, 148, 0, 65_535];

const plain = (size: number): Uint8Array => Uint8Array.from({ length: size }, (_, i) => (i * 7) & 0xff);

/** The host's primitives, with the ephemeral key that Go's server drew. */
function drawing(privateKey: Uint8Array): NoiseCrypto {
  return { ...noiseCrypto, newKeyPair: () => ({ privateKey, publicKey: noiseCrypto.publicKeyOf(privateKey) }) };
}

describe.each<OracleVersion>(["v1.104", "v1.102"])("with %s", (version) => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await Oracle.start(version);
  });
  afterAll(() => oracle.close());

  test("the vectors are what it says", async () => {
    for (const { request, answer } of golden.cases) expect(await oracle.ask("noise.exchange", request)).toEqual(answer);
  });

  test.each(VERSIONS)("a client of capability version %i is answered as Go answers it", async (clientVersion) => {
    for (let i = 0; i < 5; i++) {
      const request = { seed: `${clientVersion} ${i}`, version: clientVersion, fromClient: SIZES, fromServer: SIZES };
      const go = await oracle.ask<NoiseAnswer>("noise.exchange", request);
      const crypto = drawing(fromBase64(go.serverEphemeral));
      const opened = await openInitiation(fromBase64(go.initiation), parseControlKey(go.control), crypto);
      expect(opened).toMatchObject({ version: clientVersion, machineKey: go.machinePublic });
      const { response, state } = await opened.respond();
      expect(toBase64(response)).toBe(go.response);
      const transport = new NoiseTransport(state, crypto);
      expect(go.fromClient.map((wire) => transport.receive(fromBase64(wire)))).toEqual(SIZES.map(plain));
      expect(SIZES.map((size) => toBase64(transport.seal(plain(size))))).toEqual(go.fromServer);
    }
  });
});
