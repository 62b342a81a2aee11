/** Disablement secrets: the KDF's known answers, and what turns the lock off. */

import { describe, expect, test } from "vitest";
import {
  DISABLEMENT_KDF,
  encodeHex,
  pureDisablementKdf,
  validDisablement,
  type DisablementKdf,
} from "../../src/tka/index.ts";
import { stateOf } from "../support/chains-keys.ts";

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
const FILLED = new Uint8Array(32).fill(0xa5);

describe("the KDF", () => {
  test.each([
    ["32 bytes", FILLED, "c3fea8a0d70ede2555990ca60d70a8a03cbe627d2c9f3cb0e2ba7093d0884e2f"],
    ["no bytes", new Uint8Array(0), "aba8c98e3b8dc0de0b311d3961aafda5cab640b5cf7d52e0d9d265e787a4ff52"],
  ])("derives from %s what Go derives", (_, secret, value) => {
    expect(encodeHex(pureDisablementKdf(secret))).toBe(value);
  });

  test("has Go's parameters", () => {
    const { salt, ...numbers } = DISABLEMENT_KDF;
    expect(new TextDecoder().decode(salt)).toBe("tailscale network-lock disablement salt");
    expect(numbers).toEqual({ passes: 4, memory: 16384, lanes: 4, length: 32 });
  });
});

describe("disabling", () => {
  /** Stands for the KDF where what it derives does not matter. */
  const reversed: DisablementKdf = (secret) => Uint8Array.from([...secret].reverse());
  const secret = Uint8Array.from({ length: 32 }, (_, i) => i);
  const values = [new Uint8Array(32).fill(1), reversed(secret), new Uint8Array(32).fill(2)];
  const state = stateOf({ alice: 1 }, { disablementValues: values });

  test("takes the secret of any of the values", () => {
    expect(validDisablement(state, secret, reversed)).toBe(true);
    for (const value of values) expect(validDisablement(state, reversed(value), reversed)).toBe(true);
  });

  test.each([
    ["a value instead of its secret", reversed(secret)],
    ["a secret that is off by a bit", Uint8Array.from(secret, (byte, i) => (i === 5 ? byte ^ 1 : byte))],
    ["a secret that is shorter", secret.slice(1)],
    ["nothing", new Uint8Array(0)],
    ["words", ascii("please")],
  ])("does not take %s", (_, wrong) => {
    expect(validDisablement(state, wrong, reversed)).toBe(false);
  });

  test("takes nothing where there are no values", () => {
    for (const disablementValues of [null, [], [null]])
      expect(validDisablement(stateOf({ alice: 1 }, { disablementValues }), secret, reversed)).toBe(false);
  });

  test("derives once, however many values there are", () => {
    let derived = 0;
    validDisablement(state, secret, (bytes) => {
      derived++;
      return reversed(bytes);
    });
    expect(derived).toBe(1);
  });
});
