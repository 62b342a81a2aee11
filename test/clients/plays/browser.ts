/** Tailscale's browser client joins from Chromium, through the Worker's own WebSocket: no bridge, no raw TCP. The lock binds it as it binds all. */

import { BrowserClient } from "../browser.ts";
import type { Play } from "../play.ts";
import type { Scene } from "../scene.ts";
import { expectSigned } from "../sights.ts";

const NEW = "v1.102.5";

async function openBrowser(scene: Scene): Promise<BrowserClient> {
  const browser = await BrowserClient.open();
  scene.atEnd(async () => {
    scene.say(browser.log());
    await browser.close();
  });
  return browser;
}

/** Waits until a page of a client's arrives in the browser, over the tailnet. */
async function expectPage(scene: Scene, browser: BrowserClient, url: string): Promise<void> {
  await scene.soon(
    `the browser gets ${url} over the tailnet`,
    async () => (await browser.get(url)).includes("hello"),
    () => Promise.resolve(browser.log().slice(-4000)),
  );
}

const play: Play = {
  title: "the browser client joins through the Worker's WebSocket, and the lock binds it",
  columns: [{ title: NEW, versions: [NEW], trouble: "none" }],
  async run(scene) {
    const [alice] = await scene.join("alice");
    const url = await alice.serveWeb("hello");
    const browser = await openBrowser(scene);
    await browser.join(scene.world.control.url, await scene.authKey(), "browser");
    const seen = (): Promise<string> => Promise.resolve(browser.log().slice(-4000));
    await scene.soon("the browser runs", async () => (await browser.state()) === "Running", seen);
    await scene.soon("alice sees the browser", async () => (await alice.peers()).has("browser"));
    await expectPage(scene, browser, url);

    await scene.ok(alice, "lock", "init", "--confirm", "--gen-disablements=1", await alice.lockKey());
    await expectSigned(scene, alice);
    await expectPage(scene, browser, url);

    const stranger = await openBrowser(scene);
    await stranger.join(scene.world.control.url, await scene.authKey(), "stranger");
    const lockedOut = async (): Promise<boolean> =>
      ((await alice.lockStatus()).FilteredPeers ?? []).some(({ Name }) => Name.startsWith("stranger."));
    await scene.soon("alice locks out a browser that nobody has signed", lockedOut);
    const got = await Promise.race([
      stranger.get(url).then(
        (text) => text,
        (error: unknown) => `refused: ${String(error)}`,
      ),
      new Promise<string>((resolve) => setTimeout(resolve, 5000, "nothing")),
    ]);
    scene.expect("... and answers it nothing", !got.includes("hello"), got);
    const filtered = (await alice.lockStatus()).FilteredPeers ?? [];
    const nodeKey = filtered.find(({ Name }) => Name.startsWith("stranger."))?.NodeKey;
    await scene.ok(alice, "lock", "sign", nodeKey ?? "");
    await expectPage(scene, stranger, url);
  },
};

export default play;
