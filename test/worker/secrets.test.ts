/** Secrets stay where they belong: in no log line, in no refusal, and in no table. */

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { encodeBase64, parseAuthKey, parseControlKey } from "../../src/protocol/index.ts";
import { encodeHex } from "../../src/tka/index.ts";
import { admin, authorityOf, makeAuthKey, sql, stored } from "../support/workerd/control.ts";
import { LocalChain, lockedScene, send, type Scene } from "../support/workerd/locked.ts";
import { ORIGIN, randomBytes } from "../support/workerd/signed-request.ts";
import { TestNode, fetchWorker, type Answer } from "../support/workerd/test-node.ts";

const LEVELS = ["debug", "log", "info", "warn", "error"] as const;
const UPGRADE = { upgrade: "websocket", "sec-websocket-protocol": "tailscale-control-protocol" };
const lines: string[] = [];

/** What is printed of an argument, and more: a stack, a cause, every field. */
function printed(value: unknown): string {
  if (value instanceof Error) return `${value.stack} ${printed(value.cause)} ${JSON.stringify(value)}`;
  return typeof value === "string" ? value : JSON.stringify({ value });
}

/** Every form in which bytes might be written. */
function formsOf(secret: Uint8Array): string[] {
  return [encodeHex(secret), encodeHex(secret).toUpperCase(), encodeBase64(secret), secret.join(",")];
}

let scene: Scene;
const answers: Answer[] = [];
const secrets: string[] = [];
const spentSecret = randomBytes(32);

/** A life with everything that goes wrong in it, the database included. */
beforeAll(async () => {
  for (const level of LEVELS)
    vi.spyOn(console, level).mockImplementation((...args: unknown[]) => {
      lines.push(args.map(printed).join(" "));
    });
  scene = await lockedScene();
  const { tailnet, alice, bob, carol } = scene;
  const keys = [await makeAuthKey(tailnet), await makeAuthKey(tailnet, { reusable: true })];
  const dave = new TestNode("dave");
  for (const key of keys) secrets.push(key, parseAuthKey(key)?.secret ?? "");
  for (const node of [alice, bob, carol, dave])
    secrets.push(...formsOf(node.lockKey.seed), ...formsOf(node.requestKey.seed));
  secrets.push(env.CONTROL_NOISE_KEY, ...formsOf(parseControlKey(env.CONTROL_NOISE_KEY)));
  secrets.push(env.OWNER_TOKEN, env.STORAGE_KEY ?? "STORAGE_KEY is not set", ...scene.secrets.flatMap(formsOf));

  const [once = "", many = ""] = keys;
  const attempts = (): Promise<Answer>[] => [
    dave.register(once),
    dave.register(`${many} `),
    dave.register(many, { NodeKey: alice.nodeKey }),
    dave.register(many, { Hostinfo: many }),
    dave.post("/machine/register", { Auth: many }),
    carol.tka("disable", { DisablementSecret: scene.secrets[0], NodeKey: "nodekey:x" }),
    carol.tka("disable", { DisablementSecret: encodeHex(scene.secrets[0] ?? randomBytes(1)) }),
    carol.tka("disable", { DisablementSecret: spentSecret }),
    alice.tka("initFinish", { Signatures: { 1: scene.secrets[0] }, SupportDisablement: scene.secrets[1] }),
    admin("POST", "/api/v2/tailnets", { name: env.OWNER_TOKEN.toUpperCase() }),
    admin("GET", "/api/v2/tailnets", null, `${env.OWNER_TOKEN}x`),
    ...["/lock/disable", ""].map((path) =>
      admin(path === "" ? "DELETE" : "POST", `/api/v2/tailnet/${tailnet}${path}`, {
        disablementSecret: `${encodeHex(scene.secrets[0] ?? randomBytes(1))}zz`,
      }),
    ),
    admin("POST", `/api/v2/tailnet/${tailnet}/lock/disable`, { disablementSecret: encodeHex(spentSecret) }),
    admin("GET", `/api/v2/tailnet/${tailnet}/keys`),
    fetchWorker(new Request(`${ORIGIN}/key`)),
    fetchWorker(new Request(`${ORIGIN}/ts2021?X-Tailscale-Handshake=${"A".repeat(136)}`, { headers: UPGRADE })),
  ];
  for (const table of ["auth_keys", "chains", "nodes", "taken_nonces"]) {
    await sql(tailnet, `ALTER TABLE ${table} RENAME TO hidden`);
    answers.push(...(await Promise.all(attempts())));
    if (table !== "auth_keys") answers.push(await carol.tka("disable", { DisablementSecret: scene.secrets[0] }));
    await sql(tailnet, `ALTER TABLE hidden RENAME TO ${table}`);
  }
  answers.push(...(await Promise.all(attempts())));
  const chain = await LocalChain.of(alice);
  answers.push(
    await send(
      alice,
      chain.updates((builder) => builder.setKeyVotes(alice.lockKey.publicKey, 2n)),
    ),
  );
});

afterAll(() => {
  vi.restoreAllMocks();
});

test("something was logged, or this test is about nothing", () => {
  expect(lines.some((line) => line.includes("unexpected failure"))).toBe(true);
  expect(answers.some(({ status }) => status === 500)).toBe(true);
});

test("no line of the log holds a secret", () => {
  const all = lines.join("\n");
  expect(secrets.filter((secret) => all.includes(secret))).toEqual([]);
});

test("no refusal holds a secret", () => {
  const all = answers.map(({ json }) => JSON.stringify(json)).join("\n");
  expect(secrets.filter((secret) => all.includes(secret))).toEqual([]);
});

test("no table holds one: of auth keys their hash, of disablement secrets those that are spent", async () => {
  const all = JSON.stringify(await stored(scene.tailnet, [scene.alice, scene.bob, scene.carol]));
  expect(secrets.filter((secret) => all.includes(secret))).toEqual([]);
  await scene.carol.tka("disable", { DisablementSecret: scene.secrets[0] });
  const kept = await runInDurableObject(authorityOf(scene.tailnet), (_, { storage }) =>
    storage.sql.exec<{ secret: ArrayBuffer }>("SELECT secret FROM chains").toArray(),
  );
  expect(kept.map(({ secret }) => new Uint8Array(secret))).toEqual([scene.secrets[0]]);
});
