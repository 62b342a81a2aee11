/** The key store and its folder: rules [Z1] to [Z4], and the persisted format. */

import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { AgentError, stateDirectoryPath, type AgentErrorCode } from "../../src/node/index.ts";
import { KeyStore } from "../../src/node/key-store.ts";
import { testFolder } from "./support/folder.ts";

function codeOf(body: () => unknown): AgentErrorCode {
  try {
    body();
  } catch (error) {
    if (error instanceof AgentError) return error.code;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("where the state is [Z1]", () => {
  test.each([
    ["the flag wins", "/flag", { TAILWARD_STATE_DIR: "/env", XDG_STATE_HOME: "/xdg" }, "/flag"],
    ["then the variable", null, { TAILWARD_STATE_DIR: "/env", XDG_STATE_HOME: "/xdg" }, "/env"],
    ["then the XDG folder", null, { XDG_STATE_HOME: "/xdg" }, "/xdg/tailward"],
    ["an empty variable is none", null, { TAILWARD_STATE_DIR: "", XDG_STATE_HOME: "/xdg" }, "/xdg/tailward"],
  ])("%s", (_what, flag, environment, path) => {
    expect(stateDirectoryPath(flag, environment)).toBe(path);
  });

  test("or else the home folder", () => {
    expect(stateDirectoryPath(null, {})).toMatch(/\/\.local\/state\/tailward$/);
  });
});

describe("keys", () => {
  test("are made once, the lock key too, and kept for the owner alone [Z2] [Z3]", () => {
    const folder = join(testFolder(), "state");
    const first = KeyStore.open(folder);
    expect(first.state.lockKey).toMatch(/^nlpriv:[0-9a-f]{128}$/);
    expect(first.nodeKey).toMatch(/^nodekey:[0-9a-f]{64}$/);
    expect(KeyStore.open(folder).state).toEqual(first.state);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, "node.json")).mode & 0o777).toBe(0o600);
  });

  test("differ between nodes", () => {
    const [a, b] = [KeyStore.open(testFolder()).state, KeyStore.open(testFolder()).state];
    expect(a.nodeKey).not.toEqual(b.nodeKey);
    expect(a.requestKey).not.toEqual(b.requestKey);
    expect(a.lockKey).not.toEqual(b.lockKey);
  });

  test("a change is on disk when it returns, and nothing temporary is left [Z4]", () => {
    const folder = testFolder();
    const store = KeyStore.open(folder);
    store.update({ joined: true, controlUrl: "https://c", disallowedStateIds: ["1:2"], signature: Uint8Array.of(9) });
    expect(KeyStore.open(folder).state).toEqual(store.state);
    expect(readdirSync(folder)).toEqual(["node.json"]);
  });
});

describe("what is refused [Z2]", () => {
  test("a folder that others may write to", () => {
    const folder = testFolder();
    chmodSync(folder, 0o770);
    expect(codeOf(() => KeyStore.open(folder))).toBe("state_exposed");
    expect(existsSync(join(folder, "node.json"))).toBe(false);
  });

  test.each([0o640, 0o604])("a key file of mode %o", (mode) => {
    const folder = testFolder();
    KeyStore.open(folder);
    chmodSync(join(folder, "node.json"), mode);
    expect(codeOf(() => KeyStore.open(folder))).toBe("state_exposed");
  });

  test("a folder of another user's, as one finds it under /tmp", () => {
    const folder = testFolder();
    const uid = statSync(folder).uid + 1;
    vi.spyOn(process, "getuid").mockReturnValue(uid);
    onTestFinished(() => void vi.restoreAllMocks());
    expect(codeOf(() => KeyStore.open(folder))).toBe("state_exposed");
    expect(() => KeyStore.open(folder)).toThrow(`uid ${uid}`);
    expect(existsSync(join(folder, "node.json"))).toBe(false);
  });

  test.runIf(process.getuid?.() === 0)("a key file of another user's, in a folder of our own", () => {
    const folder = testFolder();
    KeyStore.open(folder);
    chownSync(join(folder, "node.json"), 4242, 4242);
    expect(codeOf(() => KeyStore.open(folder))).toBe("state_exposed");
  });

  test("a file in the folder's place", () => {
    const path = join(testFolder(), "file");
    writeFileSync(path, "");
    expect(codeOf(() => KeyStore.open(path))).toBe("state_directory");
  });

  test("a folder in the key file's place", () => {
    const folder = testFolder();
    mkdirSync(join(folder, "node.json"), { mode: 0o700 });
    expect(codeOf(() => KeyStore.open(folder))).toBe("state_directory");
  });
});

describe("a key file that cannot be read is never written over [Z3]", () => {
  const swapped = (json: string): string => json.replace(/(nlpriv:[0-9a-f]{64})[0-9a-f]{64}/, `$1${"00".repeat(32)}`);
  test.each([
    ["nothing in it", () => ""],
    ["half of it", (json: string) => json.slice(0, json.length / 2)],
    ["another version", (json: string) => json.replace('"version": 1', '"version": 2')],
    ["a key cut short", (json: string) => json.replace(/"privkey:[0-9a-f]{2}/, '"privkey:')],
    ["a lock key whose halves do not fit", swapped],
  ])("%s", (_what, damage) => {
    const folder = testFolder();
    const path = join(folder, "node.json");
    KeyStore.open(folder);
    const damaged = damage(readFileSync(path, "utf8"));
    writeFileSync(path, damaged);
    expect(codeOf(() => KeyStore.open(folder))).toBe("state_corrupt");
    expect(readFileSync(path, "utf8")).toBe(damaged);
  });

  test("and its error holds no secret", () => {
    const folder = testFolder();
    const path = join(folder, "node.json");
    const { lockKey } = KeyStore.open(folder).state;
    writeFileSync(path, swapped(readFileSync(path, "utf8")));
    expect(() => KeyStore.open(folder)).toThrow(/lockKey/);
    expect(() => KeyStore.open(folder)).not.toThrow(lockKey.slice(7, 20));
  });
});

test("the persisted format: a pinned file", () => {
  const folder = testFolder();
  const hex = (byte: string): string => byte.repeat(32);
  // The lock key of the seed of 32 bytes 0x03.
  const lockKey = `nlpriv:${hex("03")}ed4928c628d1c2c6eae90338905995612959273a5c63f93636c14614ac8737d1`;
  const json = {
    version: 1,
    requestKey: `reqpriv:${hex("01")}`,
    nodeKey: `privkey:${hex("02")}`,
    lockKey,
    controlUrl: "https://control.example",
    joined: true,
    replaces: null,
    disallowedStateIds: ["1:2"],
    signature: "CQ==",
  };
  writeFileSync(join(folder, "node.json"), `${JSON.stringify(json, null, 2)}\n`, { mode: 0o600 });
  const store = KeyStore.open(folder);
  expect(store.state).toMatchObject({ lockKey, joined: true, signature: Uint8Array.of(9) });
  const before = readFileSync(join(folder, "node.json"), "utf8");
  store.update({});
  expect(readFileSync(join(folder, "node.json"), "utf8")).toBe(before);
});
