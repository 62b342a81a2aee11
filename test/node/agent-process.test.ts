/** Agents as they are started: one on a state directory, and its lock file after a crash. */

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { lockDirectory } from "../../src/node/directory-lock.ts";
import { runAgent } from "../../src/node/index.ts";
import { KeyStore } from "../../src/node/key-store.ts";
import type { NodeKey } from "../../src/tka/index.ts";
import { testFolder } from "./support/folder.ts";

/** A port that nobody listens on. */
const url = "http://127.0.0.1:9";

describe("one agent on a state directory", () => {
  test("two that start at the same instant: one runs, the other says so", async () => {
    const directory = testFolder();
    const stopping = new AbortController();
    const options = {
      directory,
      url,
      authKey: "tskey-auth-x",
      hostname: null,
      forceReauth: false,
      log: () => undefined,
    };
    const both = [runAgent(options, stopping.signal), runAgent(options, stopping.signal)];
    const ended = Promise.allSettled(both);
    await expect(Promise.race(both)).rejects.toMatchObject({ code: "agent_running" });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(existsSync(join(directory, "agent.sock"))).toBe(true);
    stopping.abort();
    expect((await ended).filter(({ status }) => status === "rejected")).toHaveLength(1);
    expect(readdirSync(directory).filter((name) => name.startsWith("agent"))).toEqual([]);
  });

  test("after one has ended, another may start, also where the first could not", async () => {
    const directory = testFolder();
    const options = { directory, url: null, authKey: null, hostname: null, forceReauth: false, log: () => undefined };
    for (let i = 0; i < 2; i++)
      await expect(runAgent(options, new AbortController().signal)).rejects.toMatchObject({ code: "bad_argument" });
    lockDirectory(directory)();
  });
});

describe("forced to authenticate anew", () => {
  /** What is left in the store of an agent that was started so, and stopped before it reached its control plane. */
  async function after(joined: boolean): Promise<{ readonly old: NodeKey; readonly store: KeyStore }> {
    const directory = testFolder();
    const before = KeyStore.open(directory);
    before.update({ joined, controlUrl: url });
    const stopping = new AbortController();
    const options = { directory, url, authKey: null, hostname: null, forceReauth: true };
    const log = (): void => stopping.abort();
    const running = runAgent({ ...options, log }, stopping.signal);
    await running;
    return { old: before.nodeKey, store: KeyStore.open(directory) };
  }

  test("a node that has joined takes a new node key, which is to replace the old one", async () => {
    const { old, store } = await after(true);
    expect(store.nodeKey).not.toBe(old);
    expect(store.state).toMatchObject({ joined: true, replaces: old });
  });

  test("one that has not joined keeps its key", async () => {
    const { old, store } = await after(false);
    expect(store.nodeKey).toBe(old);
    expect(store.state.replaces).toBeNull();
  });
});

describe("the lock file", () => {
  const path = (directory: string): string => join(directory, "agent.lock");

  test("names the process, and is nobody else's", () => {
    const directory = testFolder();
    const release = lockDirectory(directory);
    expect(readFileSync(path(directory), "utf8")).toMatch(new RegExp(`^${process.pid} \\d*\n$`));
    expect(() => lockDirectory(directory)).toThrow(expect.objectContaining({ code: "agent_running" }) as Error);
    release();
    expect(readdirSync(directory)).toEqual([]);
  });

  const dead = (): number => spawnSync(process.execPath, ["--version"]).pid;
  test.each<[string, () => string]>([
    ["of a process that has ended", () => `${dead()} 1\n`],
    ["that says nothing", () => ""],
    ["that says nonsense", () => "0 0\n"],
  ])("%s is taken over", (_what, text) => {
    const directory = testFolder();
    writeFileSync(path(directory), text());
    const release = lockDirectory(directory);
    expect(readdirSync(directory)).toEqual(["agent.lock"]);
    release();
  });

  test.runIf(process.platform === "linux")("of an earlier process of the same ID is taken over", () => {
    const directory = testFolder();
    writeFileSync(path(directory), `${process.pid} 1\n`);
    lockDirectory(directory)();
  });
});
