/** `tailward logout`: the key is over at the control plane, the agent ends, and the node comes back as itself. */

import { expect, test } from "vitest";
import { KeyStore } from "../../src/node/key-store.ts";
import { refused } from "../node/support/fake-control.ts";
import { startAgent } from "../node/support/test-agent.ts";
import { eventually } from "../support/eventually.ts";
import { expectRefusal, seat, tailward } from "./support.ts";

test("ends the key and the agent; the next start asks to be let in, as the same node", async () => {
  const one = await seat();
  expect(await one.run("logout")).toEqual({ code: 0, out: "", err: "" });
  await one.running;
  const body = one.control.asked.at(-1)?.body ?? {};
  expect(body).toMatchObject({ NodeKey: one.store.nodeKey, OldNodeKey: null, Auth: null });
  expect(Date.parse(String(body["Expiry"]))).toBe(123_000);
  expect(KeyStore.open(one.directory).state.joined).toBe(false);
  const before = one.control.asked.length;
  const again = startAgent(one.control, { directory: one.directory, authKey: null });
  await eventually(() => expect(again.agent.status().node.connected).toBe(true));
  expect(one.control.asked[before]).toMatchObject({ what: "register", body: { NodeKey: one.store.nodeKey } });
});

test("that the control plane refuses changes nothing", async () => {
  const one = await seat();
  one.control.failures.set("register", [refused("forbidden", "not now")]);
  expectRefusal(await one.run("logout"), /not now/);
  expect(one.store.state.joined).toBe(true);
  expect((await one.run("status")).code).toBe(0);
});

test("without an agent is refused", async () => {
  expectRefusal(await tailward(null, ["logout"]), /no agent is running/);
});
