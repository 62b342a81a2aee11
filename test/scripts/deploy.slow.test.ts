/**
 * `npm run deploy` with the real wrangler, a stand-in for Cloudflare's API, and, where the deployed Worker would be asked, a real one on this machine. What no
 * test here can show: that Cloudflare takes the bundle and the bindings, that a custom domain gets its certificate, and how long a first deployment takes.
 */

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, afterEach, expect, test } from "vitest";
import { MADE } from "../../scripts/deploy/secrets.ts";
import { Kept } from "../../scripts/deploy/settings.ts";
import { ControlPlane, ROOT, type Tailnet } from "../e2e/control-plane.ts";
import { FakeCloudflare } from "./fake-cloudflare.ts";

interface Ran {
  readonly code: number | null;
  readonly printed: string;
}

const NAMES = Object.keys(MADE).sort();
const WORKER = "tailward";

let folder: string;
let control: ControlPlane;
let cloudflare: FakeCloudflare;
let kept: Kept;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tw-"));
  control = await ControlPlane.start(join(folder, "control"));
});

afterAll(async () => {
  await control.stop();
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  cloudflare = new FakeCloudflare();
  await cloudflare.open();
  kept = new Kept(mkdtempSync(join(folder, "deploy-")));
  // The Worker that answers has its own token: the deployment finds it as one that it has kept.
  kept.secrets = { OWNER_TOKEN: control.environment["TAILWARD_TOKEN"] ?? "" };
});

afterEach(async () => {
  await cloudflare.close();
});

function deploy(...args: string[]): Promise<Ran> {
  const env = { ...process.env, ...cloudflare.environment, DEPLOY_DIR: kept.folder };
  const child = spawn(process.execPath, [join(ROOT, "scripts/deploy/main.ts"), ...args], { cwd: ROOT, env });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (printed += String(chunk)));
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, printed })));
}

/** What the deployment has asked to be made or changed. */
function changes(): string[] {
  return cloudflare.log.filter((line) => !line.startsWith("GET "));
}

const FIRST = ["--tailnet", "example.com", "--var"];

test("makes all that is missing, once; again, it makes nothing", async () => {
  const first = await deploy(...FIRST, `PUBLIC_URL=${control.url}`);
  expect([first.code, first.printed]).toEqual([0, expect.stringContaining("the tailnet example.com is there")]);

  const [database] = cloudflare.databases;
  const tables = database?.sqlite.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all() ?? [];
  expect(tables.map(({ name }) => name)).toEqual(expect.arrayContaining(["events", "nodes", "d1_migrations"]));
  const applied = database?.sqlite.prepare("SELECT name FROM d1_migrations ORDER BY name").all() ?? [];
  expect(applied.map(({ name }) => name)).toEqual(
    readdirSync(join(ROOT, "migrations"))
      .filter((name) => name.endsWith(".sql"))
      .sort(),
  );
  for (const { queue_name: name, consumers } of cloudflare.queues)
    expect([name, consumers.map(({ script }) => script)]).toEqual([name, [WORKER]]);
  const script = cloudflare.scripts.get(WORKER);
  expect([...(script?.secrets.keys() ?? [])].sort()).toEqual(NAMES);
  expect(Object.fromEntries(script?.secrets ?? [])).toEqual(kept.secrets);
  expect(script?.metadata.bindings).toContainEqual(expect.objectContaining({ type: "d1", id: database?.uuid }));
  expect(script?.subdomain).toEqual({ enabled: true, previews_enabled: false });
  const { tailnets } = await control.call<{ tailnets: Tailnet[] }>("GET", "/api/v2/tailnets");
  expect(tailnets.map(({ name }) => name)).toEqual(["example.com"]);
  for (const secret of Object.values(kept.secrets)) expect(first.printed).not.toContain(secret);

  cloudflare.log.length = 0;
  const secrets = kept.secrets;
  const again = await deploy();
  expect([again.code, again.printed]).toEqual([0, expect.stringContaining("the tailnet example.com is there")]);
  expect(changes().filter((line) => /^POST \/(d1\/database|queues)$/.test(line))).toEqual([]);
  expect(again.printed).not.toMatch(/to make|made the|set the secret/);
  expect([kept.secrets, Object.fromEntries(cloudflare.scripts.get(WORKER)?.secrets ?? [])]).toEqual([secrets, secrets]);
  const then = await control.call<{ tailnets: Tailnet[] }>("GET", "/api/v2/tailnets");
  expect(then.tailnets).toEqual(tailnets);
});

test("goes on where it was cut off, with the secrets that it had made", async () => {
  cloudflare.failing = /^PUT \/workers\/scripts/;
  const cut = await deploy(...FIRST, `PUBLIC_URL=${control.url}`);
  expect([cut.code, cut.printed]).toEqual([1, expect.stringContaining("wrangler deploy")]);
  const { secrets } = kept;
  expect(Object.keys(secrets).sort()).toEqual(NAMES);
  cloudflare.failing = null;
  const { code } = await deploy();
  expect(code).toBe(0);
  expect(Object.fromEntries(cloudflare.scripts.get(WORKER)?.secrets ?? [])).toEqual(secrets);
  expect([cloudflare.databases.length, new Set(cloudflare.queues.map(({ queue_name }) => queue_name)).size]).toEqual([
    1,
    cloudflare.queues.length,
  ]);
});

test("replaces a secret that is named, also where the first try failed, and takes one from a file", async () => {
  expect((await deploy("--var", `PUBLIC_URL=${control.url}`)).code).toBe(0);
  const before = kept.secrets;
  cloudflare.failing = /^(PUT|POST) \/workers\/scripts\/tailward(\/versions)?$/;
  expect((await deploy("--renew", "STORAGE_KEY")).code).toBe(1);
  cloudflare.failing = null;
  const file = join(folder, "client-secret");
  writeFileSync(file, "from the provider\n");
  expect((await deploy("--secret", `OIDC_CLIENT_SECRET=${file}`)).code).toBe(0);
  const sent = Object.fromEntries(cloudflare.scripts.get(WORKER)?.secrets ?? []);
  expect(sent["STORAGE_KEY"]).toMatch(new RegExp(`^storagekey:[0-9a-f]{64} ${before["STORAGE_KEY"] ?? "?"}$`));
  expect(sent).toEqual({ ...before, STORAGE_KEY: sent["STORAGE_KEY"], OIDC_CLIENT_SECRET: "from the provider" });
  expect(kept.secrets).toEqual(sent);
});

test("a dry run needs no account, asks nobody, and leaves nothing behind", async () => {
  rmSync(kept.folder, { recursive: true });
  const { code, printed } = await deploy("--dry-run", "--tailnet", "example.com");
  expect([code, printed]).toEqual([0, expect.stringContaining("A dry run")]);
  expect(printed).toMatch(/The Worker bundles well: \d+(\.\d+)? KiB/);
  expect(printed).toContain("What it costs");
  expect(cloudflare.log).toEqual([]);
  expect(readdirSync(folder)).not.toContain(kept.folder.split("/").at(-1));
  expect(readFileSync(join(ROOT, "wrangler.toml"), "utf8")).toContain('database_id = "tailward"');
});
