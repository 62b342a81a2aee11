/** Runs the load program against a control server, and takes its figures. */

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { programPath } from "./build.mjs";
import type { Contender } from "./contender.ts";

/** One thing that was measured; times in milliseconds. */
export interface Phase {
  readonly name: string;
  readonly count: number;
  readonly firstMs: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly lastMs: number;
  readonly wholeMs: number;
  readonly lost: number;
  readonly dropped: number;
  readonly bytesAStream: number;
  readonly serverCpuMs: number;
  readonly memoryKiBStream: number;
}

export interface Report {
  readonly streams: number;
  readonly phases: readonly Phase[];
  readonly dropped: number;
  readonly lost: number;
  readonly serverBytes: number;
  readonly views: { readonly incomplete: number; readonly notAllOnline: number; readonly strangers: number };
}

/** Runs the program with these flags as they are, for whoever has a server of their own. Its exit code. */
export function runPlain(flags: readonly string[]): Promise<number> {
  const child = spawn(programPath("load"), flags, { stdio: "inherit" });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => {
      resolve(code ?? 1);
    });
  });
}

/** Runs it against that server. The table goes to standard error. Throws where the program ends with an error. */
export async function runAgainst(contender: Contender, flags: readonly string[], storm: boolean): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), "tailward-load-"));
  const json = join(folder, "report.json");
  const args = ["--url", contender.url, "--pid", contender.pids().join(","), "--json", json, ...flags];
  const child = spawn(programPath("load"), storm ? [...args, "--restart", "-"] : args, {
    stdio: ["pipe", "pipe", "inherit"],
    // Not on the command line, which every user of the machine can read.
    env: { ...process.env, AUTHKEY: contender.authKey },
  });
  const restarts = (async () => {
    for await (const line of createInterface(child.stdout)) {
      if (line !== "restart") continue;
      await contender.restart();
      child.stdin.write(`${contender.pids().join(",")}\n`);
    }
  })();
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on("error", reject);
      child.on("exit", resolve);
      restarts.catch((error: unknown) => {
        child.kill();
        reject(error instanceof Error ? error : new Error(String(error)));
      });
    });
    if (code !== 0) throw new Error(`bench: the load program ended with ${String(code)} against ${contender.name}`);
    return JSON.parse(readFileSync(json, "utf8")) as Report;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
