/**
 * `npm run deploy`: puts Tailward on Cloudflare, or brings what is there up to date. Every step looks first, so that it can be run again at any time, and
 * goes on where it was cut off. A secret is kept on this machine before it is sent, stands on no command line, and is replaced only where that is asked for by
 * name.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { USAGE, readArguments, type Asked } from "./arguments.ts";
import { Cloudflare, type Account, type Deployed } from "./cloudflare.ts";
import { publicUrlOf, readConfiguration, type Configuration } from "./configuration.ts";
import { COST } from "./cost.ts";
import { seeToTailnet, untilReady } from "./first-owner.ts";
import { planOf, planText, type Found } from "./plan.ts";
import { planSecrets, type SecretsPlan } from "./secrets.ts";
import { Kept, type Settings } from "./settings.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const CONFIG = "wrangler.json";
const NOBODY: ReadonlySet<string> = new Set();
/** An ID in the place of one that a dry run has not. */
const NO_DATABASE = "00000000-0000-0000-0000-000000000000";

/** Where a deployment is kept: DEPLOY_DIR is for tests, and for whoever has several. */
function folderOf(environment: NodeJS.ProcessEnv): string {
  return environment["DEPLOY_DIR"] ?? join(ROOT, ".deploy");
}

/** The account to deploy to. */
function accountOf(accounts: readonly Account[] | null, wanted: string | undefined): Account {
  if (accounts === null)
    throw new Error("nobody is logged in to Cloudflare: run `npx wrangler login`, or set CLOUDFLARE_API_TOKEN");
  const [first, ...others] = wanted === undefined ? accounts : accounts.filter(({ id }) => id === wanted);
  if (first === undefined) throw new Error(`this login has no account ${wanted ?? "at all"}`);
  if (others.length === 0) return first;
  const list = accounts.map(({ id, name }) => `  ${id}  ${name}`).join("\n");
  throw new Error(`this login has several accounts: say which, by --account ID\n${list}`);
}

async function look(cloudflare: Cloudflare, { wanted }: Configuration): Promise<Found> {
  const [database, secrets, ...has] = await Promise.all([
    cloudflare.database(wanted.database.database_name),
    cloudflare.secrets(wanted.worker),
    ...wanted.queues.map((name) => cloudflare.hasQueue(name)),
  ]);
  return { database, secrets, queues: new Set(wanted.queues.filter((_, i) => has[i])) };
}

/** Makes what is missing, and gives the database's ID. */
async function make(
  cloudflare: Cloudflare,
  { wanted }: Configuration,
  settings: Settings,
  found: Found,
): Promise<string> {
  const { database_name: name } = wanted.database;
  const database = found.database ?? (await cloudflare.createDatabase(name, settings.location));
  if (found.database === null) say(`made the D1 database ${name}`);
  for (const queue of wanted.queues) {
    if (found.queues.has(queue)) continue;
    await cloudflare.createQueue(queue);
    say(`made the queue ${queue}`);
  }
  return database;
}

/** Deploys with the secrets that the Worker lacks: for as long as that takes they are in a file of this user's alone. */
async function deploy(cloudflare: Cloudflare, config: string, { send }: SecretsPlan): Promise<Deployed> {
  if (Object.keys(send).length === 0) return cloudflare.deploy(config, null);
  const folder = mkdtempSync(join(tmpdir(), "tailward-secrets-"));
  try {
    const file = join(folder, "secrets.json");
    writeFileSync(file, JSON.stringify(send), { mode: 0o600 });
    return await cloudflare.deploy(config, file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Where it is reached. A target is a host, or one with `https://` before it. */
function addressOf(settings: Settings, { targets = [] }: Deployed): string {
  const host = targets.map((target) => target.replace("https://", "")).find((each) => each.endsWith(".workers.dev"));
  const url = publicUrlOf(settings) ?? (host === undefined ? null : `https://${host}`);
  if (url !== null) return url;
  throw new Error(`wrangler names no address for it: say --domain HOST or --var PUBLIC_URL=URL: ${targets.join(", ")}`);
}

async function welcome(kept: Kept, settings: Settings, url: string): Promise<void> {
  const token = kept.secrets["OWNER_TOKEN"];
  say(`it is ready at ${url}`);
  if (token === undefined) {
    say("OWNER_TOKEN is not on this machine, so that the first tailnet cannot be seen to from here");
    return;
  }
  const tailnet = await seeToTailnet(url, token, settings);
  if (tailnet !== null) say(`the tailnet ${tailnet.name} is there (${tailnet.id})`);
  console.log(`
Next, on this machine:
  export TAILWARD_TOKEN="$(node -p 'require("${kept.secretsFile}").OWNER_TOKEN')"
  npm run tailward -- admin --url ${url} sign-in-link     # signs its owner in, once
  npm run tailward -- admin --url ${url} --help
docs/operating.md goes on from here: who signs in and how, backups, what to watch.`);
}

function say(text: string): void {
  console.log(`deploy: ${text}`);
}

async function dryRun(cloudflare: Cloudflare, configuration: Configuration, kept: Kept, asked: Asked): Promise<void> {
  const { settings } = asked;
  const secrets = planSecrets(NOBODY, kept.secrets, asked.renew);
  console.log(
    "A dry run: nothing is asked of Cloudflare, and nothing is changed. A deployment would, in this order:\n",
  );
  console.log(planText(planOf(configuration.wanted, settings, null, secrets)));
  const folder = mkdtempSync(join(tmpdir(), "tailward-plan-"));
  try {
    const config = new Kept(folder).write(CONFIG, configuration.deployed(settings, NO_DATABASE));
    console.log(`\nThe Worker bundles well: ${await cloudflare.bundle(config)}\n\n${COST}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function deployAll(
  cloudflare: Cloudflare,
  configuration: Configuration,
  kept: Kept,
  asked: Asked,
): Promise<void> {
  const account = accountOf(await cloudflare.accounts(), asked.settings.account);
  cloudflare.use(account.id);
  const settings = { ...asked.settings, account: account.id };
  const found = await look(cloudflare, configuration);
  const given = Object.entries(asked.secretFiles).map(([name, file]) => [name, readFileSync(file, "utf8").trim()]);
  const replaced = Object.fromEntries(given) as Record<string, string>;
  const here = { ...kept.secrets, ...replaced };
  // What is given anew, or may not have been sent the last time, counts as what the Worker lacks.
  const isNew = (name: string): boolean => Object.hasOwn(replaced, name) || settings.unsent.includes(name);
  const has = new Set([...(found.secrets ?? [])].filter((name) => !isNew(name)));
  const secrets = planSecrets(has, here, asked.renew);
  console.log(`In the account ${account.name} (${account.id}):\n`);
  console.log(`${planText(planOf(configuration.wanted, settings, found, secrets))}\n`);
  for (const name of secrets.elsewhere) say(`the Worker has ${name}, and this machine has no copy: have one elsewhere`);

  kept.settings = { ...settings, unsent: Object.keys(secrets.send) };
  kept.secrets = secrets.keep;
  const database = await make(cloudflare, configuration, settings, found);
  const config = kept.write(CONFIG, configuration.deployed(settings, database));
  await cloudflare.migrate(configuration.wanted.database.binding, config);
  say("D1 is up to date");
  const deployed = await deploy(cloudflare, config, secrets);
  say(`deployed version ${deployed.version_id ?? "unknown"}${found.secrets === null ? ", the first" : ""}`);
  kept.settings = { ...settings, unsent: [] };
  for (const name of Object.keys(secrets.send)) say(`set the secret ${name}; it is kept in ${kept.secretsFile}`);
  const url = addressOf(settings, deployed);
  await untilReady(url);
  await welcome(kept, settings, url);
  console.log(`\n${COST}`);
}

async function main(): Promise<void> {
  const kept = new Kept(folderOf(process.env));
  const asked = readArguments(process.argv.slice(2), kept.settings);
  if (asked.help) {
    console.log(USAGE);
    return;
  }
  const cloudflare = new Cloudflare(ROOT, process.env);
  const act = asked.dryRun ? dryRun : deployAll;
  await act(cloudflare, readConfiguration(ROOT), kept, asked);
}

main().catch((error: unknown) => {
  console.error(`deploy: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
