/**
 * What the browser's client needs: its WebAssembly (`cmd/tsconnect/wasm` of Tailscale's module, unmodified), the loader that comes with Go, and
 * Chromium. Each is built or installed once.
 */

import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { BuildFailed, CACHE, go, timed, type Say } from "./build.ts";

const VERSION = "v1.102.5";
const FOLDER = join(CACHE, "browser");

export const WASM = join(FOLDER, "client.wasm");
export const LOADER = join(FOLDER, "wasm_exec.js");

/** The browser that is there: as CHROMIUM names it, or as Debian installs it; null where there is none. */
export function chromium(): string | null {
  const { CHROMIUM } = process.env;
  const known = CHROMIUM === undefined ? ["/usr/bin/chromium", "/usr/bin/chromium-browser"] : [CHROMIUM];
  return known.find((path) => existsSync(path)) ?? null;
}

function goValue(name: string): string {
  return spawnSync("go", ["env", name], {
    encoding: "utf8",
    env: { ...process.env, GOTOOLCHAIN: "local" },
  }).stdout.trim();
}

function buildWasm(): void {
  const made = join(FOLDER, "made");
  rmSync(made, { recursive: true, force: true });
  const target = { GOOS: "js", GOARCH: "wasm", GOPATH: made, GOMODCACHE: goValue("GOMODCACHE") };
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    GOTOOLCHAIN: "local",
    GOFLAGS: "",
    GOWORK: "off",
    CGO_ENABLED: "0",
    ...target,
  };
  delete env["GOBIN"];
  go(["install", "-trimpath", "-ldflags=-s -w", `tailscale.com/cmd/tsconnect/wasm@${VERSION}`], env, FOLDER);
  renameSync(join(made, "bin", "js_wasm", "wasm"), WASM);
  rmSync(made, { recursive: true, force: true });
  copyFileSync(join(goValue("GOROOT"), "lib", "wasm", "wasm_exec.js"), LOADER);
}

function installChromium(): void {
  if (process.getuid?.() !== 0) throw new BuildFailed("Chromium is missing: install it, or name one in CHROMIUM");
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [
    ["update", "-qq"],
    ["install", "-y", "-qq", "--no-install-recommends", "chromium"],
  ]) {
    const { status, stderr, error } = spawnSync("apt-get", args, { env, encoding: "utf8" });
    if (status !== 0) throw new BuildFailed(`Chromium could not be installed: ${error?.message ?? stderr}`);
  }
}

/** Builds and installs what is missing. Throws `BuildFailed`. */
export function prepareBrowser(say: Say): void {
  mkdirSync(FOLDER, { recursive: true });
  if (!existsSync(WASM) || !existsSync(LOADER)) timed(`Tailscale ${VERSION} for browsers`, buildWasm, say);
  if (chromium() === null) timed("Chromium", installChromium, say);
}
