/**
 * Tailscale's own client of its admin API, unchanged, against the control plane: every method that it exports is called by the program in `api/`, which holds
 * what is answered against what it asked; what the control plane has none of is refused in the words that stand there.
 */

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ControlPlane, type Tailnet } from "../e2e/control-plane.ts";
import { PollNode } from "../e2e/poll-node.ts";
import { oraclePath } from "./build.mjs";

interface Outcome {
  readonly method: string;
  readonly refused?: string;
  readonly error?: string;
}

const VARIABLES = { STORAGE_KEY: `storagekey:${"5e".repeat(32)}`, WEBHOOKS_ALLOW_LOOPBACK: "true" };
const PROGRAM = oraclePath("api");
const folder = mkdtempSync(join(tmpdir(), "tailward-go-api-"));
let control: ControlPlane;
/** Takes webhooks and logs. */
let receiver: Server;
let outcomes: readonly Outcome[];

async function devices({ id }: Tailnet): Promise<string[]> {
  const list = await control.call<{ devices: { id: string }[] }>("GET", `/api/v2/tailnet/${id}/devices`);
  return list.devices.map((device) => device.id);
}

/** Four devices, of which the one that came last is not signed: it is the first of the list. */
async function fill(tailnet: Tailnet): Promise<string[]> {
  const authKey = await control.createAuthKey(tailnet);
  const [signer, ...others] = ["one", "two", "three", "late"].map((name) => new PollNode(name, control.url));
  const late = others.pop();
  if (signer === undefined || late === undefined) throw new Error("nobody");
  for (const node of [signer, ...others]) await node.join(authKey);
  await signer.lock();
  const signed = await devices(tailnet);
  await late.join(authKey);
  return [...(await devices(tailnet)).filter((id) => !signed.includes(id)), ...signed];
}

/** Runs the program on what is there, and reads what it says of each method. */
function run(scene: object): Promise<Outcome[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(PROGRAM, [], { stdio: ["pipe", "pipe", "inherit"] });
    let printed = "";
    child.stdout.on("data", (chunk: Buffer) => {
      printed += chunk.toString();
    });
    child.once("error", reject);
    child.once("close", (code) => {
      const lines = printed.split("\n").filter((line) => line !== "");
      if (code === 0) resolve(lines.map((line) => JSON.parse(line) as Outcome));
      else reject(new Error(`the program ended with ${String(code)}`));
    });
    child.stdin.end(JSON.stringify(scene));
  });
}

beforeAll(async () => {
  receiver = createServer((request, response) => {
    request.resume();
    response.end();
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  const hook = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
  control = await ControlPlane.start(join(folder, "control"), VARIABLES);
  const tailnet = await control.createTailnet("api.test");
  const { TAILWARD_TOKEN } = control.environment;
  outcomes = await run({
    URL: control.url,
    Token: TAILWARD_TOKEN,
    Tailnet: tailnet.id,
    Devices: await fill(tailnet),
    Hook: `${hook}hook`,
    Collector: `${hook}collector`,
    Owner: `owner@${tailnet.name}`,
  });
}, 180_000);

afterAll(async () => {
  await control.stop();
  receiver.close();
  rmSync(folder, { recursive: true, force: true });
});

test("all that it asks is answered as it understands it, and what there is not is refused in words", () => {
  expect(outcomes.filter(({ error }) => error !== undefined)).toEqual([]);
});

test("every method that it exports is called once", () => {
  const { stdout } = spawnSync(PROGRAM, ["methods"], { encoding: "utf8" });
  const exported = JSON.parse(stdout) as string[];
  expect(exported.length).toBeGreaterThan(60);
  expect(outcomes.map(({ method }) => method).sort()).toEqual(exported);
});
