/** The authority's ports over node:crypto give what the pure ones give. */

import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { nodeKdf, nodeVerifier, signerFromSeed } from "../../src/node/index.ts";
import { lockSigner, newLockKey, newNodeKey, newSigningKey, publicNodeKey } from "../../src/node/native-crypto.ts";
import * as tka from "../../src/tka/index.ts";

const message = Uint8Array.of(1, 2, 3);

describe("signers", () => {
  test("sign as the pure one does: Ed25519 leaves no room", () => {
    const seed = new Uint8Array(32).fill(7);
    const [native, pure] = [signerFromSeed(seed), tka.signerFromSeed(seed)];
    expect(native.publicKey).toEqual(pure.publicKey);
    expect(native.sign(message)).toEqual(pure.sign(message));
  });

  test("a lock key's text holds the seed, then the public key", () => {
    const text = newLockKey();
    expect(tka.parseLockPrivateKey(text).subarray(32)).toEqual(lockSigner(text).publicKey);
  });

  test("a fresh signing key's signatures verify", () => {
    const { publicKey, privateKey, signer } = newSigningKey();
    expect(privateKey.subarray(32)).toEqual(publicKey);
    expect(nodeVerifier.standard(publicKey, message, signer.sign(message))).toBe(true);
  });
});

test("node keys are X25519: the first iteration of RFC 7748, section 5.2", () => {
  const nine = new Uint8Array(32);
  nine[0] = 9;
  expect(publicNodeKey(nine)).toBe("nodekey:422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
  expect(newNodeKey()).toHaveLength(32);
});

describe("the verifier", () => {
  // Points of small order, canonical and not: OpenSSL refuses some that the rules take. More of them: test/tka/ed25519.test.ts.
  const points = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  ];
  test.each(points.flatMap((key) => points.map((r) => [key, r] as const)))(
    "key %s, R %s: as the pure one's",
    (key, r) => {
      const signature = new Uint8Array(Buffer.concat([Buffer.from(r, "hex"), Buffer.alloc(32)]));
      const publicKey = new Uint8Array(Buffer.from(key, "hex"));
      for (const rule of ["zip215", "standard"] as const)
        expect(nodeVerifier[rule](publicKey, message, signature)).toBe(
          tka.pureVerifier[rule](publicKey, message, signature),
        );
      expect(nodeVerifier.zip215(publicKey, message, signature)).toBe(true);
    },
  );
});

describe("the KDF", () => {
  test("gives what the pure one gives", () => {
    const secret = Buffer.from("secret");
    expect(nodeKdf(secret)).toEqual(tka.pureDisablementKdf(secret));
  });

  test("also for nothing", () => {
    expect(nodeKdf(new Uint8Array(0))).toEqual(tka.pureDisablementKdf(new Uint8Array(0)));
  });

  test("is there also in a Node that knows no Argon2", () => {
    // node:crypto as an older release exports it: importing argon2Sync by name would not link.
    const script = `
      import { registerHooks } from "node:module";
      import * as real from "node:crypto";
      globalThis.realCrypto = real;
      const names = Object.keys(real).filter((name) => name !== "argon2Sync" && name !== "default");
      const source = names.map((name) => "export const " + name + " = globalThis.realCrypto." + name + ";").join("");
      registerHooks({
        resolve: (specifier, context, next) =>
          specifier === "node:crypto" ? { url: "old:crypto", format: "module", shortCircuit: true } : next(specifier, context),
        load: (url, context, next) =>
          url === "old:crypto" ? { format: "module", source, shortCircuit: true } : next(url, context),
      });
      const { nodeKdf } = await import(${JSON.stringify(new URL("../../src/node/native-crypto.ts", import.meta.url).href)});
      process.stdout.write(Buffer.from(nodeKdf(Buffer.from("secret"))).toString("hex"));
    `;
    const out = execFileSync(process.execPath, ["--input-type=module", "--eval", script], { encoding: "utf8" });
    expect(out).toBe(tka.encodeHex(tka.pureDisablementKdf(Buffer.from("secret"))));
  });
});
