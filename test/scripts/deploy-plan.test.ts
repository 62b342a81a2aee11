/** What a deployment would do, and what it keeps: without an account. */

import { mkdtempSync, readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { readArguments } from "../../scripts/deploy/arguments.ts";
import { readConfiguration } from "../../scripts/deploy/configuration.ts";
import { planOf, planText, type Found } from "../../scripts/deploy/plan.ts";
import { MADE, planSecrets } from "../../scripts/deploy/secrets.ts";
import { Kept, type Settings } from "../../scripts/deploy/settings.ts";
import { parseControlKey } from "../../src/protocol/index.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const EMPTY: Settings = { variables: {}, unsent: [] };
const NAMES = Object.keys(MADE).sort();
const NONE: ReadonlySet<string> = new Set();

describe("what Cloudflare must have", () => {
  const { wanted, deployed } = readConfiguration(ROOT);

  test("is what wrangler.toml names, the queues of dead letters too", () => {
    expect(wanted.worker).toBe("tailward");
    expect(wanted.database.database_name).toBe("tailward");
    const named = [
      ...readFileSync(join(ROOT, "wrangler.toml"), "utf8").matchAll(/(?:queue|dead_letter_queue) = "(.+)"/g),
    ];
    expect(wanted.queues).toEqual([...new Set(named.map(([, name = ""]) => name))].sort());
    expect(wanted.queues).toContain("tailward-record-dead");
  });

  test("is deployed by the same configuration, with the database's ID and this deployment's variables and host", () => {
    const settings = { ...EMPTY, domain: "control.example.com", variables: { OIDC_ISSUER: "https://id.example.com" } };
    const config = deployed(settings, "an-id") as Record<string, unknown>;
    expect(config["d1_databases"]).toMatchObject([{ database_id: "an-id", migrations_dir: join(ROOT, "migrations") }]);
    expect(config["vars"]).toMatchObject({
      OIDC_ISSUER: "https://id.example.com",
      PUBLIC_URL: "https://control.example.com",
      DERP_MAP_URL: expect.stringMatching(/^https:/) as string,
    });
    expect(config).toMatchObject({
      workers_dev: false,
      preview_urls: false,
      routes: [{ pattern: "control.example.com", custom_domain: true }],
    });
    const plain = deployed(EMPTY, "an-id") as Record<string, unknown>;
    expect([plain["workers_dev"], plain["routes"]]).toEqual([true, undefined]);
    expect(plain["vars"]).not.toHaveProperty("PUBLIC_URL");
  });
});

describe("secrets", () => {
  test("that the Worker lacks are made, each of its kind", () => {
    const { send, keep, there, elsewhere } = planSecrets(NONE, {}, []);
    expect([Object.keys(send).sort(), keep, there, elsewhere]).toEqual([NAMES, send, [], []]);
    expect(parseControlKey(send["CONTROL_NOISE_KEY"] ?? "")).toHaveLength(32);
    expect(send["STORAGE_KEY"]).toMatch(/^storagekey:[0-9a-f]{64}$/);
    expect(send["OWNER_TOKEN"]).toMatch(/^[\w-]{43}$/);
    expect(new Set(Object.values(send)).size).toBe(NAMES.length);
  });

  test("that this machine keeps are sent again where the Worker lacks them; others that the Worker has stay", () => {
    const here = { OWNER_TOKEN: "kept", OIDC_CLIENT_SECRET: "given" };
    const { send, there, elsewhere } = planSecrets(new Set(["STORAGE_KEY", "OTHER"]), here, []);
    expect(send).toMatchObject(here);
    expect(send).not.toHaveProperty("STORAGE_KEY");
    expect([there, elsewhere]).toEqual([
      ["OTHER", "STORAGE_KEY"],
      ["OTHER", "STORAGE_KEY"],
    ]);
  });

  test("that the Worker has are replaced only by name; a new storage key opens what the old one sealed", () => {
    const has = new Set(NAMES);
    const here = planSecrets(NONE, {}, []).keep;
    expect(planSecrets(has, here, []).send).toEqual({});
    const { send, keep } = planSecrets(has, here, ["STORAGE_KEY", "OWNER_TOKEN"]);
    expect(Object.keys(send).sort()).toEqual(["OWNER_TOKEN", "STORAGE_KEY"]);
    expect(keep["OWNER_TOKEN"]).not.toBe(here["OWNER_TOKEN"]);
    const keys = (send["STORAGE_KEY"] ?? "").split(" ");
    expect([keys.length, keys[1]]).toEqual([2, here["STORAGE_KEY"]]);
    expect(() => planSecrets(has, {}, ["STORAGE_KEY"])).toThrow("not on this machine");
    expect(() => planSecrets(has, here, ["CONTROL_NOISE_KEY"])).toThrow("never replaced");
    expect(() => planSecrets(has, here, ["ELSE"])).toThrow(
      "no secret that is made here and may be replaced: OWNER_TOKEN, METRICS_TOKEN, STORAGE_KEY",
    );
  });

  test("are kept for their owner alone, with the settings, and found again", () => {
    const kept = new Kept(join(mkdtempSync(join(tmpdir(), "tw-")), "deploy"));
    expect([kept.settings, kept.secrets]).toEqual([EMPTY, {}]);
    kept.secrets = { OWNER_TOKEN: "a secret" };
    kept.settings = { ...EMPTY, tailnet: "example.com" };
    expect(kept.secrets).toEqual({ OWNER_TOKEN: "a secret" });
    expect(kept.settings.tailnet).toBe("example.com");
    expect(statSync(kept.secretsFile).mode & 0o777).toBe(0o600);
    expect(statSync(kept.folder).mode & 0o777).toBe(0o700);
    expect(readFileSync(join(ROOT, ".gitignore"), "utf8")).toContain("\n.deploy/\n");
  });
});

describe("the command line", () => {
  test("adds to what was kept", () => {
    const kept = { ...EMPTY, tailnet: "example.com", variables: { A: "1", B: "2" } };
    const args = ["--owner", "alice@example.com", "--var", "B=x=y", "--var", "C=", "--secret", "S=/a=b", "--dry-run"];
    expect(readArguments(args, kept)).toEqual({
      dryRun: true,
      help: false,
      settings: { ...kept, owner: "alice@example.com", variables: { A: "1", B: "x=y", C: "" } },
      secretFiles: { S: "/a=b" },
      renew: [],
    });
  });

  test.each([
    [["--var", "nonsense"], "NAME=VALUE"],
    [["--var", "lower=1"], "in capitals"],
    [["--domain", "https://control.example.com/"], "takes a host"],
    [["--tailnet", "bad name"], "takes a domain name"],
    [["--tailnet", "Example.com"], "takes a domain name"],
    [["--owner", "alice"], "takes a login"],
    [["--nonsense"], "--nonsense"],
    [["--nonsense"], "npm run deploy -- --help"],
    [["tailward"], "tailward"],
  ])("refuses %j", (args, words) => {
    expect(() => readArguments(args, EMPTY)).toThrow(words);
  });
});

describe("the plan", () => {
  const { wanted } = readConfiguration(ROOT);
  const text = (found: Found | null, settings = EMPTY): string =>
    planText(planOf(wanted, settings, found, planSecrets(found?.secrets ?? NONE, {}, [])));

  test("of a dry run does not say what is there, since nobody has looked; and names no secret's value", () => {
    const plan = text(null);
    expect(plan).toMatch(/to make, unless it is there +D1 database tailward\n/);
    for (const name of NAMES) expect(plan).toMatch(new RegExp(`to make, unless it is there +secret ${name}: `));
    expect(plan).toContain("no first tailnet");
    expect(plan).not.toMatch(/privkey:|storagekey:/);
  });

  test("of an account leaves what is there", () => {
    const all = { database: "an-id", queues: new Set(wanted.queues), secrets: new Set(NAMES) };
    const settings = { ...EMPTY, tailnet: "example.com", owner: "alice@example.com", domain: "control.example.com" };
    const plan = text(all, settings);
    expect(plan).not.toContain("to make");
    expect(plan).toContain("deploy the Worker tailward at control.example.com, known as https://control.example.com");
    expect(plan).toContain("the tailnet example.com, owned by alice@example.com");
    expect(text({ ...all, queues: NONE }).match(/to make +queue/g)).toHaveLength(wanted.queues.length);
  });
});
