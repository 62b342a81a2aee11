/**
 * `npm run demo`: the whole story with real processes. A control plane in workerd, agents with state directories of their own, and the real
 * command line. Fails loudly where any step does not hold. `--keep DIR` leaves the chain and the signatures in DIR/demo.json.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ControlPlane, type LockExport, type Tailnet } from "./control-plane.ts";
import { ExpectationFailed, expectSoon, expectThat, nextCommand, run, say, step } from "./narration.ts";
import { Person } from "./person.ts";
import { expectAllSeeEachOther, isLockedOut, lockKeyOf, seesAll, statusText } from "./sights.ts";

const SECRETS = 10;

interface Scene {
  readonly control: ControlPlane;
  readonly tailnet: Tailnet;
  readonly authKey: string;
  readonly alice: Person;
  readonly bob: Person;
  readonly carol: Person;
  readonly dave: Person;
  readonly erin: Person;
}

async function join3({ control, authKey, alice, bob, carol }: Scene): Promise<void> {
  step("Three nodes join the tailnet; there is no lock yet");
  say("Each is a process of its own, with its own keys. Without a lock, they believe the control plane.\n");
  for (const person of [alice, bob, carol]) person.start(control.url, authKey);
  await expectAllSeeEachOther([alice, bob, carol]);
}

async function turnOn({ alice, bob, carol }: Scene): Promise<void> {
  step("Alice turns the lock on, and trusts two keys to sign: her own, and Bob's");
  const keys = [await lockKeyOf(alice), await lockKeyOf(bob)];
  say("First without --confirm: nothing happens yet.");
  const rehearsal = await run(alice, ["lock", "init", "--gen-disablements", String(SECRETS), ...keys]);
  const command = nextCommand(rehearsal.out);
  expectThat("it prints the command to run, with --confirm", command.includes("--confirm"), rehearsal.out);
  expectThat("no lock is on", (await alice.status())?.lock.Enabled === false);
  const { out } = await run(alice, command);
  const secrets = new Set(out.match(/^\tdisablement-secret:[0-9A-F]{64}$/gm));
  expectThat(`${SECRETS} different disablement secrets were printed`, secrets.size === SECRETS, out);
  for (const person of [alice, bob, carol])
    await expectSoon(
      `${person.name} has fetched the chain, verified it, and finds itself signed`,
      async () => (await person.status())?.lock.NodeKeySigned === true,
      () => statusText(person),
    );
  await expectAllSeeEachOther([alice, bob, carol]);
}

async function lockOut({ control, authKey, alice, bob, carol, dave }: Scene): Promise<void> {
  step("Dave joins with a good auth key, and is locked out all the same");
  say("The control plane knows him and shows him to everyone. The nodes do not care what it says.\n");
  dave.start(control.url, authKey);
  for (const person of [alice, bob, carol]) {
    await expectSoon(
      `${person.name} is told of dave, and locks him out`,
      () => isLockedOut(dave, person),
      () => statusText(person),
    );
    expectThat(`${person.name} does not see dave`, !(await seesAll(person, [dave])));
  }
  await run(carol, ["status"]);
  await expectSoon(
    "dave knows that he is locked out",
    async () => {
      const lock = (await dave.status())?.lock;
      return lock?.Enabled === true && !lock.NodeKeySigned;
    },
    () => statusText(dave),
  );
}

async function sign({ alice, bob, carol, dave }: Scene): Promise<void> {
  step("Bob lets him in, with the command that Dave's node prints");
  const { out } = await run(dave, ["lock"]);
  const command = nextCommand(out);
  say("Carol is in the tailnet, but her key is not trusted to sign:");
  const refused = await run(carol, command, { code: 1 });
  expectThat("carol cannot let him in", refused.err.includes("not trusted"), refused.err);
  expectThat("dave is still locked out at carol's", await isLockedOut(dave, carol));
  say("\nBob's is:");
  await run(bob, command);
  await expectAllSeeEachOther([alice, bob, carol, dave]);
  await run(dave, ["status"]);
}

async function signAuthKey({ control, authKey, alice, bob, carol, dave, erin }: Scene): Promise<void> {
  step("Alice signs an auth key: whoever joins by it needs no one to let them in");
  const { code, out, err } = await alice.tailward("lock", "sign", authKey);
  const wrapped = out.trim();
  expectThat(
    "she gets it back with a signature inside",
    code === 0 && wrapped.startsWith(`${authKey}--TL`),
    `${out}${err}`,
  );
  erin.start(control.url, wrapped);
  await expectAllSeeEachOther([alice, bob, carol, dave, erin]);
  await run(erin, ["lock"]);
}

async function lookBack({ control, tailnet, alice, bob, carol, dave, erin }: Scene): Promise<LockExport> {
  step("What everyone can check");
  const exported = await control.exportLock(tailnet);
  const people = [alice, bob, carol, dave, erin];
  const heads = await Promise.all(people.map(async (person) => (await person.status())?.lock.Head ?? "none"));
  expectThat(
    "all five nodes stand at the same head",
    new Set(heads).size === 1 && heads[0] !== "none",
    heads.join(" "),
  );
  await run(carol, ["lock", "log"], { most: 14 });
  const signed = exported.nodes.filter(({ signature }) => signature !== "").length;
  expectThat(
    "the tailnet's object holds a signature for each of them",
    signed === people.length,
    JSON.stringify(exported),
  );
  return exported;
}

async function play(folder: string, keep: string | null): Promise<void> {
  step("The control plane starts: the Worker and its objects, in workerd, on this machine");
  const control = await ControlPlane.start(join(folder, "control"));
  const people = ["alice", "bob", "carol", "dave", "erin"].map((name) => new Person(name, folder));
  const [alice, bob, carol, dave, erin] = people as [Person, Person, Person, Person, Person];
  const stopAll = async (): Promise<void> => {
    await Promise.all(people.map((person) => person.stop()));
    await control.stop();
  };
  try {
    const tailnet = await control.createTailnet("demo.example");
    const authKey = await control.createAuthKey(tailnet);
    say(`It answers at ${control.url}. The tailnet ${tailnet.name} was made, and an auth key for it.`);
    const scene = { control, tailnet, authKey, alice, bob, carol, dave, erin };
    await join3(scene);
    await turnOn(scene);
    await lockOut(scene);
    await sign(scene);
    await signAuthKey(scene);
    const exported = await lookBack(scene);
    if (keep !== null) {
      mkdirSync(keep, { recursive: true });
      const head = (await alice.status())?.lock.Head ?? null;
      writeFileSync(join(keep, "demo.json"), `${JSON.stringify({ head, ...exported }, null, 2)}\n`);
    }
  } finally {
    await stopAll();
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { keep: { type: "string" } } });
  // A socket's path must be short: not every machine's own folder for such things is.
  const folder = mkdtempSync(join(tmpdir().length > 40 ? "/tmp" : tmpdir(), "tailward-"));
  // Whatever ends this process ends the others with it: each is killed on exit.
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
  const started = performance.now();
  try {
    await play(folder, values.keep ?? process.env["TAILWARD_DEMO_KEEP"] ?? null);
    say(`\nEverything held. (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  } catch (error) {
    process.exitCode = 1;
    if (error instanceof ExpectationFailed) console.error(`\nTHE DEMO FAILED. This did not hold: ${error.message}`);
    else console.error("\nTHE DEMO FAILED, by a fault:", error);
  }
}

await main();
