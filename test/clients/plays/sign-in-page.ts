/** A person signs in by a one-time link, in a real browser, connects a real client as their own, and signs out. */

import type { Play } from "../play.ts";
import { PersonAtPages } from "../person-at-pages.ts";
import type { Scene } from "../scene.ts";
import { expectState } from "../sights.ts";

const NEW = "v1.104.5";
const OLD = "v1.102.5";

async function openPages(scene: Scene): Promise<PersonAtPages> {
  const person = await PersonAtPages.open();
  scene.atEnd(() => person.close());
  return person;
}

async function signIn(scene: Scene, person: PersonAtPages): Promise<void> {
  const { control } = scene.world;
  const { id } = await scene.tailnet;
  const { url } = await control.call<{ url: string }>("POST", `/api/v2/tailnet/${id}/sign-in-links`, {});
  // Where the page is open already, its address alone changes.
  await person.go(new URL("/sign-in", control.url).href);
  await person.go(url);
  const { url: shown } = await person.shown();
  scene.expect("the link's secret leaves the address bar", !shown.includes("#"), shown);
  await person.press("Sign in by this link");
  await person.sees("Your tailnets");
  await person.go(url);
  await person.press("Sign in by this link");
  await scene.soon("the link is good once", async () => (await person.shown()).text.includes("was used before"));
}

const play: Play = {
  title: "a person signs in, connects a client as their own, and signs out",
  columns: [NEW, OLD].map((version) => ({ title: version, versions: [version], trouble: "none" as const })),
  async run(scene) {
    const { control } = scene.world;
    const [alice] = await scene.join("alice");
    const bob = await scene.client("bob");
    const up = bob.upInBackground();
    scene.atEnd(() => up.kill());
    await scene.soon("bob shows an address", async () => (await bob.status()).AuthURL !== "");
    const page = new URL(new URL((await bob.status()).AuthURL).pathname, control.url).href;

    const person = await openPages(scene);
    await person.go(page);
    await person.sees("A node waits here to be let into a tailnet");
    scene.expect("a stranger is shown nothing of it", !(await person.shown()).text.includes("bob"));
    await signIn(scene, person);
    await person.go(page);
    await person.sees("Connect this device?");
    const { text } = await person.shown();
    scene.expect("the person sees which node it is", /\bbob\n[^]*nodekey:[0-9a-f]{64}/.test(text), text);
    await person.press("Connect as mine");
    await person.sees("The node was let in");
    await expectState(scene, bob, "Running");
    await scene.soon("alice sees bob", async () => (await alice.peers()).has("bob"));

    await person.go(new URL("/sign-in", control.url).href);
    await person.press("Sign out");
    await person.sees("You are signed out");
    await person.go(page);
    await person.sees("The node was let in");
    await person.go(new URL("/sign-in", control.url).href);
    await person.sees("Sign in");
    // The refusal of the link that was used before.
    const others = person.complaints.filter((each) => !each.includes("status of 403"));
    scene.expect("the pages complain of nothing", others.length === 0, others.join("\n"));
  },
};

export default play;
