/** What `hostVerifier` keeps of imported keys, over a host that counts. That its verdicts are the rules' own is shown in ed25519.test.ts. */

import { describe, expect, test } from "vitest";
import { hostVerifier, type SignatureVerifier } from "../../src/tka/index.ts";

const HASH = new Uint8Array(32).fill(7);
const SIGNATURE = new Uint8Array(64).fill(9);

/** A key that starts with `start` and ends with `end`. */
function keyOf(start: number, end: number): Uint8Array {
  const key = new Uint8Array(32);
  key.set([start & 0xff, start >> 8]);
  key[31] = end;
  return key;
}

interface Host {
  readonly verifier: SignatureVerifier;
  readonly imports: string[];
  /** Key, message and signature of each call. */
  readonly asked: string[];
}

/** A host that says yes to everything. */
function willingHost(): Host {
  const imports: string[] = [];
  const asked: string[] = [];
  const importKey = (spki: Uint8Array): string => {
    const key = spki.slice(-32).join();
    imports.push(key);
    return key;
  };
  const verify = (key: string, message: Uint8Array, signature: Uint8Array): boolean => {
    asked.push(`${key} ${message.join()} ${signature.join()}`);
    return true;
  };
  return { verifier: hostVerifier({ importKey, verify }), imports, asked };
}

describe("imported keys", () => {
  test("are imported once, whichever rule is asked", () => {
    const { verifier, imports } = willingHost();
    for (let i = 0; i < 5; i++) {
      expect(verifier.zip215(keyOf(1, 1), HASH, SIGNATURE)).toBe(true);
      expect(verifier.standard(keyOf(1, 1), HASH, SIGNATURE)).toBe(true);
    }
    expect(imports).toHaveLength(1);
  });

  test("that start alike are never taken for one another", () => {
    const { verifier, asked } = willingHost();
    const keys = [keyOf(1, 1), keyOf(1, 2), keyOf(1, 1)];
    for (const key of keys) verifier.zip215(key, HASH, SIGNATURE);
    expect(asked.map((call) => call.split(" ")[0])).toEqual(keys.map((key) => key.join()));
  });

  test("a key whose bytes are changed afterwards is another key", () => {
    const { verifier, asked } = willingHost();
    const key = keyOf(1, 1);
    verifier.zip215(key, HASH, SIGNATURE);
    key[31] = 2;
    verifier.zip215(key, HASH, SIGNATURE);
    expect(asked[1]?.split(" ")[0]).toBe(keyOf(1, 2).join());
  });

  test("are forgotten, the oldest first, past 1,024", () => {
    const { verifier, imports } = willingHost();
    for (let i = 0; i <= 1024; i++) verifier.zip215(keyOf(i, 0), HASH, SIGNATURE);
    verifier.zip215(keyOf(1024, 0), HASH, SIGNATURE);
    verifier.zip215(keyOf(1, 0), HASH, SIGNATURE);
    expect(imports).toHaveLength(1025);
    verifier.zip215(keyOf(0, 0), HASH, SIGNATURE);
    expect(imports).toHaveLength(1026);
  });
});

describe("the host", () => {
  test("is handed message and signature as they are, of whatever length the message is", () => {
    const { verifier, asked } = willingHost();
    const key = keyOf(1, 1);
    for (const length of [0, 1, 31, 32, 33, 200]) {
      const message = new Uint8Array(length).fill(length);
      const signature = new Uint8Array(64).fill(length);
      verifier.standard(key, message, signature);
      expect(asked.at(-1)).toBe(`${key.join()} ${message.join()} ${signature.join()}`);
    }
  });

  test("is not asked about other lengths of key or signature", () => {
    const { verifier, asked } = willingHost();
    expect(verifier.zip215(new Uint8Array(31), HASH, SIGNATURE)).toBe(false);
    expect(verifier.standard(keyOf(1, 1), HASH, new Uint8Array(63))).toBe(false);
    expect(verifier.standard(keyOf(1, 1), HASH, new Uint8Array(65))).toBe(false);
    expect(asked).toEqual([]);
  });

  test("that throws has said no", () => {
    const refuse = (): never => {
      throw new Error("no such key");
    };
    const verifier = hostVerifier({ importKey: refuse, verify: refuse });
    expect(verifier.zip215(keyOf(1, 1), HASH, SIGNATURE)).toBe(false);
    expect(verifier.standard(keyOf(1, 1), HASH, SIGNATURE)).toBe(false);
  });
});
