/** The scenes of `npm run test:life`. */

import { expectSoon, expectThat, nextCommand, run, say } from "./narration.ts";
import type { CommandResult } from "./person.ts";
import { isLockedOut, statusText } from "./sights.ts";
import type { Stage } from "./stage.ts";

export interface Scene {
  readonly title: string;
  readonly scene: (stage: Stage) => Promise<void>;
}

/** The argument after `flag` in the one line of output that is to be run next with it. */
function blobAfter({ out }: CommandResult, flag: "--cosign" | "--finish"): string {
  const blob = new RegExp(`^\\ttailward lock revoke-keys ${flag} ([0-9A-F]+)$`, "m").exec(out)?.[1];
  expectThat(`the line to run next with ${flag} is printed`, blob !== undefined, out);
  return blob ?? "";
}

async function turnOn(
  stage: Stage,
  by: string,
  signers: readonly string[],
  votes: Readonly<Record<string, string>> = {},
): Promise<void> {
  const keys: string[] = [];
  for (const signer of signers) keys.push(`${await stage.lockKeyOf(signer)}${votes[signer] ?? ""}`);
  const { out } = await run(stage.person(by), ["lock", "init", "--confirm", "--gen-disablements", "2", ...keys], {
    most: 4,
  });
  stage.secrets = out.match(/disablement-secret:[0-9A-F]{64}/g) ?? [];
  expectThat("two disablement secrets were printed", stage.secrets.length === 2, out);
}

async function signedBy(stage: Stage, signer: string, name: string): Promise<void> {
  const person = stage.person(name);
  await expectSoon(
    `${name} knows that it is locked out`,
    async () => {
      const lock = (await person.status())?.lock;
      return lock?.Enabled === true && !lock.NodeKeySigned;
    },
    () => statusText(person),
  );
  const { out } = await person.tailward("lock");
  await run(stage.person(signer), nextCommand(out));
}

async function init(stage: Stage): Promise<void> {
  stage.wake("alice", "bob", "carol");
  await stage.expectAllSee("alice", "bob", "carol");
  await turnOn(stage, "alice", ["alice", "bob"], { bob: "?2" });
  await stage.expectOneHead(["alice", "bob", "carol"]);
  await stage.expectAllSee("alice", "bob", "carol");
}

async function newcomer(stage: Stage): Promise<void> {
  stage.wake("dave");
  await stage.expectLockedOut("dave", "alice", "bob", "carol");
  await signedBy(stage, "bob", "dave");
  await stage.expectAllSee("alice", "bob", "carol", "dave");
}

async function thirdSigner(stage: Stage): Promise<void> {
  const key = await stage.lockKeyOf("carol");
  await run(stage.person("alice"), ["lock", "add", `${key},`]);
  await stage.expectOneHead(["alice", "bob", "carol", "dave"]);
  stage.wake("frank");
  await signedBy(stage, "carol", "frank");
  await stage.expectAllSee("alice", "bob", "carol", "dave", "frank");
}

async function signedAuthKey(stage: Stage): Promise<void> {
  const { out } = await stage.person("alice").tailward("lock", "sign", stage.authKey);
  stage.person("erin").start(stage.control.url, out.trim());
  await stage.expectAllSee("alice", "bob", "carol", "dave", "frank", "erin");
}

const FIRST_SIX = ["alice", "bob", "carol", "dave", "frank", "erin"] as const;

async function removeWithSigning(stage: Stage): Promise<void> {
  const others = FIRST_SIX.filter((name) => name !== "frank");
  const before = others.map((name) => stage.timesLockedOut("frank", name));
  const key = await stage.lockKeyOf("carol");
  await run(stage.person("alice"), ["lock", "remove", key]);
  await stage.expectOneHead(FIRST_SIX);
  await stage.expectAllSee(...FIRST_SIX);
  const after = others.map((name) => stage.timesLockedOut("frank", name));
  expectThat("nobody has locked frank out, not for a moment", after.join() === before.join(), after.join());
  const refused = await run(stage.person("carol"), ["lock", "sign", (await nodeKeyOf(stage, "frank")) ?? ""], {
    code: 1,
  });
  expectThat("carol's key signs no more", refused.err.includes("not trusted"), refused.err);
}

async function nodeKeyOf(stage: Stage, name: string): Promise<string | null> {
  return (await stage.person(name).status())?.node.nodeKey ?? null;
}

async function removeWithoutSigning(stage: Stage): Promise<void> {
  const key = await stage.lockKeyOf("carol");
  await run(stage.person("bob"), ["lock", "add", key]);
  await stage.expectOneHead(FIRST_SIX);
  stage.wake("grace");
  await signedBy(stage, "carol", "grace");
  await stage.expectAllSee(...FIRST_SIX, "grace");
  await run(stage.person("bob"), ["lock", "remove", "--re-sign=false", key]);
  await stage.expectLockedOut("grace", ...FIRST_SIX);
  await signedBy(stage, "alice", "grace");
  await stage.expectAllSee(...FIRST_SIX, "grace");
}

async function newNodeKey(stage: Stage): Promise<void> {
  for (const name of ["dave", "erin"]) {
    const before = await nodeKeyOf(stage, name);
    await stage.sleep(name);
    stage.person(name).start(stage.control.url, stage.authKey, "--force-reauth");
    await expectNewKey(stage, name, before);
  }
  await stage.expectAllSee(...FIRST_SIX);
}

/** Waits until a person's node has another key than `before`, and is signed. */
async function expectNewKey(stage: Stage, name: string, before: string | null): Promise<void> {
  await expectSoon(
    `${name} has a new node key, and is signed`,
    async () => {
      const status = await stage.person(name).status();
      return status !== null && status.node.nodeKey !== before && status.lock.NodeKeySigned;
    },
    () => statusText(stage.person(name)),
  );
}

/** Waits until a person's node says where somebody lets it in, and lets it in. */
async function letIn(stage: Stage, name: string): Promise<void> {
  const person = stage.person(name);
  const url = async (): Promise<string> => (await person.status())?.node.approvalUrl ?? "";
  await expectSoon(
    `${name} says where an admin lets it in`,
    async () => (await url()) !== "",
    () => statusText(person),
  );
  await run(person, ["status"]);
  await stage.control.approveLogin(stage.tailnet, await url());
}

async function withoutAuthKey(stage: Stage): Promise<void> {
  const ida = stage.person("ida");
  ida.start(stage.control.url, null);
  await letIn(stage, "ida");
  await signedBy(stage, "alice", "ida");
  await stage.expectAllSee("alice", "bob", "ida");
  const before = await nodeKeyOf(stage, "ida");
  await stage.control.expireKey((await ida.status())?.node.stableId ?? "");
  await letIn(stage, "ida");
  await expectNewKey(stage, "ida", before);
  await stage.expectAllSee("alice", "bob", "ida");
  await run(ida, ["logout"]);
  await ida.stop();
  const loggedOut = await nodeKeyOf(stage, "ida");
  expectThat("ida's agent has ended", loggedOut === null);
  ida.start(stage.control.url, null);
  await letIn(stage, "ida");
  await stage.expectAllSee("alice", "bob", "ida");
  await stage.sleep("ida");
}

async function compromise(stage: Stage): Promise<void> {
  stage.wake("mallory");
  await signedBy(stage, "alice", "mallory");
  const key = await stage.lockKeyOf("mallory");
  // Bob's key has two votes: alone, Alice's one cannot take back what he has added.
  await run(stage.person("bob"), ["lock", "add", key]);
  await stage.expectOneHead([...FIRST_SIX, "mallory"]);
  await stage.sleep("dave");
  say("Dave is asleep. Mallory's key is stolen: the thief trusts a key of their own, and signs a rogue node.");
  stage.wake("rogue");
  const accomplice = await stage.lockKeyOf("rogue");
  await run(stage.person("mallory"), ["lock", "add", `${accomplice}?9`]);
  await signedBy(stage, "mallory", "rogue");
  await stage.expectAllSee("alice", "bob", "carol", "rogue");
}

async function recover(stage: Stage): Promise<void> {
  const [alice, bob] = [stage.person("alice"), stage.person("bob")];
  const keys = [await stage.lockKeyOf("mallory"), await stage.lockKeyOf("rogue")];
  const begun = blobAfter(await run(alice, ["lock", "revoke-keys", ...keys]), "--cosign");
  const early = await run(alice, ["lock", "revoke-keys", "--finish", begun], { code: 1 });
  expectThat("one signature is not enough, and that is said", /weigh|vote/.test(early.err), early.err);
  const cosigned = blobAfter(await run(bob, ["lock", "revoke-keys", "--cosign", begun]), "--finish");
  await run(bob, ["lock", "revoke-keys", "--finish", cosigned]);
  const awake = FIRST_SIX.filter((name) => name !== "dave");
  const head = await stage.expectOneHead([...awake, "mallory"]);
  await stage.expectLockedOut("rogue", ...awake);
  const out = await alice.tailward("lock", "log");
  expectThat("neither key is in the log's newest state", !out.out.split("\n\n")[0]?.includes(keys[0] ?? "?"), out.out);
  stage.wake("dave");
  await stage.expectOneHead(["dave"], head);
  await stage.expectLockedOut("rogue", "dave");
  await stage.expectAllSee(...FIRST_SIX);
}

async function disable(stage: Stage): Promise<void> {
  await stage.sleep("dave", "rogue", "mallory", "grace");
  // Whoever turns the next lock on would sign it: an admin removes it first.
  const rogue = (await stage.person("alice").status())?.lock.FilteredPeers.find(({ Name }) =>
    Name.startsWith("rogue."),
  );
  await stage.control.removeNode(rogue?.StableID ?? "");
  const wrong = await run(stage.person("carol"), ["lock", "disable", `disablement-secret:${"00".repeat(32)}`], {
    code: 1,
  });
  expectThat("a wrong secret is refused", wrong.err.includes("incorrect disablement secret"), wrong.err);
  // Not on a shown command line: it is a secret until it is spent.
  const { code, err } = await stage.person("carol").tailward("lock", "disable", stage.takeSecret());
  expectThat("carol spends a disablement secret", code === 0, err);
  await stage.expectOff("alice", "bob", "carol", "frank", "erin");
}

async function enableAgain(stage: Stage): Promise<void> {
  await turnOn(stage, "bob", ["bob", "carol"]);
  const awake = ["alice", "bob", "carol", "frank", "erin"];
  await stage.expectOneHead(awake);
  await stage.expectAllSee(...awake);
  say("Dave has slept through both, and comes back by himself.");
  const old = stage.person("dave").log().length;
  stage.wake("dave");
  await stage.expectOneHead([...awake, "dave"]);
  await stage.expectAllSee(...awake, "dave");
  const log = stage.person("dave").log().slice(old);
  expectThat("he was shown the secret that ended the old lock", log.includes("a valid disablement secret"), log);
}

async function severalLocks(stage: Stage): Promise<void> {
  const awake = ["alice", "bob", "carol", "erin"];
  await stage.sleep("dave", "frank");
  for (const by of ["alice", "carol"]) {
    const { code, err } = await stage.person("bob").tailward("lock", "disable", stage.takeSecret());
    expectThat("the lock is turned off", code === 0, err);
    await stage.expectOff(...awake);
    await turnOn(stage, by, [by, "bob"]);
    await stage.expectOneHead(awake);
  }
  stage.wake("dave", "frank");
  await stage.expectOneHead([...awake, "dave", "frank"]);
  await stage.expectAllSee(...awake, "dave", "frank");
}

async function localDisable(stage: Stage): Promise<void> {
  const erin = stage.person("erin");
  stage.wake("harry");
  await stage.expectLockedOut("harry", "alice", "erin");
  await run(erin, ["lock", "local-disable"]);
  const seesHarry = async (): Promise<boolean> => !(await isLockedOut(stage.person("harry"), erin));
  await expectSoon("erin talks to harry", seesHarry, () => statusText(erin));
  await run(erin, ["lock"]);
  await stage.sleep("erin");
  stage.wake("erin");
  await expectSoon(
    "after a restart, erin's node ignores the lock still",
    async () => (await erin.status())?.node.lockIgnored === true,
    () => statusText(erin),
  );
  expectThat("alice's does not", await isLockedOut(stage.person("harry"), stage.person("alice")));
}

export const SCENES: readonly Scene[] = [
  { title: "A lock with two signers", scene: init },
  { title: "A newcomer is locked out, and signed", scene: newcomer },
  { title: "A third signer", scene: thirdSigner },
  { title: "A signed auth key", scene: signedAuthKey },
  { title: "A signer is removed: nobody loses a peer", scene: removeWithSigning },
  { title: "A signer is removed without new signatures", scene: removeWithoutSigning },
  { title: "New node keys, signed by the nodes themselves", scene: newNodeKey },
  { title: "Without an auth key; its key runs out; logged out", scene: withoutAuthKey },
  { title: "A compromised signer lets a rogue in", scene: compromise },
  { title: "The majority takes it back, sleepers included", scene: recover },
  { title: "The lock is turned off", scene: disable },
  { title: "On again: a sleeper comes back by itself", scene: enableAgain },
  { title: "Asleep over two locks more", scene: severalLocks },
  { title: "One node ignores the lock", scene: localDisable },
];
