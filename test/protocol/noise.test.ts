/** Noise IK of the control protocol, held to what Go's control/controlbase made with the same keys. */

import { describe, expect, test } from "vitest";
import { noiseCrypto } from "../../src/durable/control/native-noise.ts";
import {
  INITIATION_BYTES,
  MAX_RECORD_PLAINTEXT,
  NoiseError,
  NoiseTransport,
  controlKeyResponse,
  controlPublicKey,
  decodeBase64,
  decodeNoiseState,
  earlyPayload,
  encodeBase64,
  encodeNoiseState,
  openInitiation,
  parseControlKey,
  type NoiseCrypto,
  type NoiseErrorCode,
  type NoiseKeyPair,
  type NoiseState,
} from "../../src/protocol/index.ts";
import { concatBytes, decodeHex, decodeUtf8, encodeHex, encodeUtf8 } from "../../src/tka/index.ts";
import { NoiseInitiator } from "../support/noise-initiator.ts";
import golden from "../vectors/noise.json" with { type: "json" };

const [first] = golden.cases;
if (first === undefined) throw new Error("no vectors");
const { request, answer: vectors } = first;

const hex = (text: string | undefined): Uint8Array => decodeHex(text ?? "") ?? new Uint8Array(0);
const base64 = (text: string | undefined): Uint8Array => decodeBase64(text ?? "") ?? new Uint8Array(0);
const plain = (size: number | undefined): Uint8Array =>
  Uint8Array.from({ length: size ?? 0 }, (_, i) => (i * 7) & 0xff);
const pairOf = (privateKey: Uint8Array): NoiseKeyPair => ({
  privateKey,
  publicKey: noiseCrypto.publicKeyOf(privateKey),
});

const control = parseControlKey(vectors.control);
const long = plain(5000);

/** The host's primitives, with the ephemeral key that Go drew. */
const asGoDrew: NoiseCrypto = { ...noiseCrypto, newKeyPair: () => pairOf(base64(vectors.serverEphemeral)) };

async function codeOf(act: () => unknown): Promise<NoiseErrorCode | null> {
  try {
    await act();
  } catch (error) {
    if (error instanceof NoiseError) return error.code;
    throw error;
  }
  return null;
}

/** Both ends of a fresh connection. */
async function connected(): Promise<{ client: NoiseTransport; server: NoiseTransport }> {
  const initiator = await NoiseInitiator.start(vectors.controlPublic);
  const opened = await openInitiation(initiator.initiation, control, noiseCrypto);
  const { response, state } = await opened.respond();
  return { client: await initiator.finish(response), server: new NoiseTransport(state, noiseCrypto) };
}

describe("what Go made", async () => {
  const opened = await openInitiation(base64(vectors.initiation), control, asGoDrew);
  const { response, state } = await opened.respond();

  test("the initiation opens: version and machine key [T2]", () => {
    expect(opened).toMatchObject({ version: request.version, machineKey: vectors.machinePublic });
    expect(controlPublicKey(control, noiseCrypto)).toBe(vectors.controlPublic);
  });

  test("the response is Go's, byte for byte [T3]", () => {
    expect(encodeBase64(response)).toBe(vectors.response);
  });

  test("its records open, and ours are its, over the border of a record [T4]", () => {
    const transport = new NoiseTransport(state, noiseCrypto);
    for (const [i, size] of request.fromClient.entries())
      expect(transport.receive(base64(vectors.fromClient[i]))).toEqual(plain(size));
    for (const [i, size] of request.fromServer.entries())
      expect(encodeBase64(transport.seal(plain(size)))).toBe(vectors.fromServer[i]);
  });

  test("the tests' client makes the same initiation, and takes the same response", async () => {
    const initiator = await NoiseInitiator.start(vectors.controlPublic, {
      version: request.version,
      machine: pairOf(hex(vectors.machine.slice("privkey:".length))),
      ephemeral: pairOf(base64(vectors.clientEphemeral)),
    });
    expect(encodeBase64(initiator.initiation)).toBe(vectors.initiation);
    const client = await initiator.finish(base64(vectors.response));
    expect(encodeBase64(client.seal(plain(request.fromClient[0])))).toBe(vectors.fromClient[0]);
    expect(client.receive(base64(vectors.fromServer[0]))).toEqual(plain(request.fromServer[0]));
  });
});

describe("a hostile initiation [T2]", async () => {
  const { initiation: good } = await NoiseInitiator.start(vectors.controlPublic);

  test("of every other length is refused", async () => {
    for (let length = 0; length < 2 * INITIATION_BYTES; length++)
      if (length !== INITIATION_BYTES)
        expect(await codeOf(() => openInitiation(new Uint8Array(length), control, noiseCrypto))).toBe(
          "malformed_initiation",
        );
  });

  test("with any one byte changed is refused, the version's too", async () => {
    for (let at = 0; at < good.length; at++) {
      const changed = good.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      const expected = at >= 2 && at < 5 ? "malformed_initiation" : "wrong_initiation";
      expect(await codeOf(() => openInitiation(changed, control, noiseCrypto))).toBe(expected);
    }
  });

  test("for another control key is refused", async () => {
    const other = noiseCrypto.newKeyPair().privateKey;
    expect(await codeOf(() => openInitiation(good, other, noiseCrypto))).toBe("wrong_initiation");
  });

  test.each([0, 1])("with an ephemeral key of small order (%i) is refused", async (low) => {
    const changed = good.slice();
    changed.set(Uint8Array.of(low, ...new Uint8Array(31)), 5);
    expect(await codeOf(() => openInitiation(changed, control, noiseCrypto))).toBe("wrong_initiation");
  });

  test("with a machine key of small order is refused, though it is sealed well", async () => {
    const machine = { privateKey: noiseCrypto.newKeyPair().privateKey, publicKey: new Uint8Array(32) };
    const { initiation } = await NoiseInitiator.start(vectors.controlPublic, { machine });
    expect(await codeOf(() => openInitiation(initiation, control, noiseCrypto))).toBe("wrong_initiation");
  });

  test("is answered once", async () => {
    const opened = await openInitiation(good, control, noiseCrypto);
    await opened.respond();
    expect(await codeOf(() => opened.respond())).toBe("broken");
  });

  test("that comes again gives other keys: whoever repeats it can read and say nothing", async () => {
    const answers = [1, 2].map(async () => (await openInitiation(good, control, noiseCrypto)).respond());
    const [once, again] = (await Promise.all(answers)).map(({ state }) => state);
    expect(once?.rxKey).not.toEqual(again?.rxKey);
    expect(once?.txKey).not.toEqual(again?.txKey);
  });
});

describe("records [T4]", () => {
  test("come through whatever the pieces are that they arrive in", async () => {
    const { client, server } = await connected();
    const sealed = concatBytes(client.seal(encodeUtf8("a")), client.seal(long), client.seal(encodeUtf8("b")));
    const got: Uint8Array[] = [];
    for (let at = 0, size = 1; at < sealed.length; at += size, size = (size * 3) % 1021)
      got.push(server.receive(sealed.subarray(at, at + size)));
    expect(concatBytes(...got)).toEqual(concatBytes(encodeUtf8("a"), long, encodeUtf8("b")));
    expect(server.state).toMatchObject({ rxNonce: 4, txNonce: 0, partial: new Uint8Array(0) });
  });

  test("the empty one is taken, and nothing seals to nothing", async () => {
    const { client, server } = await connected();
    const { txKey } = client.state;
    const sealed = noiseCrypto.seal(txKey, new Uint8Array(12), new Uint8Array(0), new Uint8Array(0));
    expect(server.receive(Uint8Array.of(4, 0, 16, ...sealed))).toEqual(new Uint8Array(0));
    expect(server.state.rxNonce).toBe(1);
    expect(client.seal(new Uint8Array(0))).toEqual(new Uint8Array(0));
    expect(client.state.txNonce).toBe(0);
  });

  test("are full at 4,096 bytes", async () => {
    const { client } = await connected();
    expect(client.seal(new Uint8Array(MAX_RECORD_PLAINTEXT)).length).toBe(4096);
    expect(client.seal(new Uint8Array(MAX_RECORD_PLAINTEXT + 1)).length).toBe(4096 + 3 + 16 + 1);
  });

  test.each<[string, number[], NoiseErrorCode]>([
    ["of another type", [3, 0, 20], "malformed_record"],
    ["of another type, at its first byte", [0], "malformed_record"],
    ["one byte too large", [4, 0x0f, 0xfe], "malformed_record"],
    ["too small for a tag", [4, 0, 15], "malformed_record"],
    ["that does not open", [4, 0, 16, ...new Uint8Array(16)], "wrong_record"],
  ])("%s: refused, and the connection is over", async (_, bytes, code) => {
    const { client, server } = await connected();
    const good = client.seal(encodeUtf8("good"));
    expect(await codeOf(() => server.receive(Uint8Array.from(bytes)))).toBe(code);
    expect(await codeOf(() => server.receive(good))).toBe("broken");
    expect(await codeOf(() => server.seal(good))).toBe("broken");
  });

  test("repeated, left out or changed in any byte: refused", async () => {
    const repeated = await connected();
    const sealed = repeated.client.seal(encodeUtf8("pay"));
    repeated.server.receive(sealed);
    expect(await codeOf(() => repeated.server.receive(sealed))).toBe("wrong_record");
    const leftOut = await connected();
    leftOut.client.seal(encodeUtf8("lost"));
    expect(await codeOf(() => leftOut.server.receive(leftOut.client.seal(encodeUtf8("next"))))).toBe("wrong_record");
    for (let at = 3; at < sealed.length; at++) {
      const { client, server } = await connected();
      const changed = client.seal(encodeUtf8("pay"));
      changed[at] = (changed[at] ?? 0) ^ 0x80;
      expect(await codeOf(() => server.receive(changed))).toBe("wrong_record");
    }
  });

  test("end before a nonce could come again", async () => {
    const { server } = await connected();
    const last = new NoiseTransport({ ...server.state, txNonce: Number.MAX_SAFE_INTEGER }, noiseCrypto);
    expect(await codeOf(() => last.seal(encodeUtf8("x")))).toBe("nonces_spent");
  });
});

describe("the saved state [T5]", () => {
  test("goes on between any two bytes", async () => {
    const { client, server } = await connected();
    const sealed = concatBytes(client.seal(encodeUtf8("one")), client.seal(encodeUtf8("two")));
    let saved = encodeNoiseState(server.state);
    let got = "";
    for (const byte of sealed) {
      const transport = new NoiseTransport(decodeNoiseState(saved), noiseCrypto);
      got += decodeUtf8(transport.receive(Uint8Array.of(byte)));
      got += decodeUtf8(client.receive(transport.seal(encodeUtf8("."))));
      saved = encodeNoiseState(transport.state);
    }
    expect(got.replaceAll(".", "")).toBe("onetwo");
    expect(got).toHaveLength("onetwo".length + sealed.length);
  });

  test("has these bytes", () => {
    const state: NoiseState = {
      rxKey: new Uint8Array(32).fill(0xaa),
      rxNonce: 2 ** 40 + 1,
      txKey: new Uint8Array(32).fill(0xbb),
      txNonce: 7,
      partial: Uint8Array.of(4, 0),
    };
    const bytes = `01${"aa".repeat(32)}0000010000000001${"bb".repeat(32)}00000000000000070400`;
    expect(encodeHex(encodeNoiseState(state))).toBe(bytes);
    expect(decodeNoiseState(hex(bytes))).toEqual(state);
  });

  test("of another version, or cut off, is refused", async () => {
    const bytes = encodeNoiseState((await connected()).server.state);
    expect(await codeOf(() => decodeNoiseState(Uint8Array.of(2, ...bytes.subarray(1))))).toBe("unknown_state");
    expect(await codeOf(() => decodeNoiseState(bytes.subarray(0, 80)))).toBe("unknown_state");
  });
});

test("the early payload [T6]", () => {
  expect(encodeHex(earlyPayload({ a: "é" }))).toBe(`ffffff54530000000a${encodeHex(encodeUtf8('{"a":"é"}'))}`);
});

test("the answer of GET /key [T7]", () => {
  expect(controlKeyResponse(controlPublicKey(control, noiseCrypto))).toEqual({
    legacyPublicKey: `mkey:${"0".repeat(64)}`,
    publicKey: vectors.controlPublic,
  });
});
