/** Where Tailscale's clients come in: the key, and who is let through to a sessions object [T7][T8]. */

import { env, exports } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { noiseCrypto, placeOf, shardOf } from "../../../src/durable/index.ts";
import {
  CONTROL_SUBPROTOCOL,
  controlPublicKey,
  machineKeyFromRaw,
  parseControlKey,
} from "../../../src/protocol/index.ts";
import { app } from "../../../src/worker/app.ts";
import { placeOfConnection } from "../../../src/worker/nodes/connection-place.ts";
import { directoryOf } from "../../../src/worker/objects.ts";
import { NoiseInitiator } from "../../support/noise-initiator.ts";
import { join, makeTailnet } from "../../support/workerd/control.ts";
import { ORIGIN } from "../../support/workerd/signed-request.ts";
import { TestNode, answerOf, fetchWorker, type Answer } from "../../support/workerd/test-node.ts";

const publicKey = controlPublicKey(parseControlKey(env.CONTROL_NOISE_KEY), noiseCrypto);
const { handshake } = await NoiseInitiator.start(publicKey);
const UPGRADE = { upgrade: "websocket", "sec-websocket-protocol": CONTROL_SUBPROTOCOL };

function connect(query: string, headers: Readonly<Record<string, string>> = UPGRADE): Promise<Answer> {
  return fetchWorker(new Request(`${ORIGIN}/ts2021${query}`, { headers }));
}

const withHandshake = (text: string): string => `?X-Tailscale-Handshake=${encodeURIComponent(text)}`;

describe("the key [T7]", () => {
  test.each(["/key", "/key?v=97", "/key?v=148", "/key?v=none"])(
    "is answered at %s, to a page of any origin",
    async (path) => {
      const { status, json, headers } = await fetchWorker(new Request(`${ORIGIN}${path}`));
      expect([status, json]).toEqual([200, { legacyPublicKey: `mkey:${"0".repeat(64)}`, publicKey }]);
      expect(headers.get("access-control-allow-origin")).toBe("*");
    },
  );

  test.each([
    ["none is set", undefined],
    ["it is empty", ""],
    ["it cannot be read", "privkey:zz"],
  ])("where %s, both paths say so, and no secret", async (_, key) => {
    const other = { ...env, CONTROL_NOISE_KEY: key };
    for (const path of ["/key", `/ts2021${withHandshake(handshake)}`]) {
      const answer = await answerOf(await app.request(path, { headers: UPGRADE }, other));
      expect([answer.status, answer.json["code"]]).toEqual([501, "no_control_key"]);
      expect(JSON.stringify(answer.json)).not.toContain("zz");
    }
  });
});

describe("a connection that is refused [T8]", () => {
  const changed = `${handshake.slice(0, 40)}${handshake[40] === "A" ? "B" : "A"}${handshake.slice(41)}`;

  test.each<[string, string, Record<string, string>, number, string]>([
    ["without an upgrade", withHandshake(handshake), {}, 426, "upgrade_required"],
    ["by the native upgrade's headers", "", { "x-tailscale-handshake": handshake }, 426, "upgrade_required"],
    ["without the subprotocol", withHandshake(handshake), { upgrade: "websocket" }, 426, "upgrade_required"],
    [
      "of another subprotocol",
      withHandshake(handshake),
      { ...UPGRADE, "sec-websocket-protocol": "x" },
      426,
      "upgrade_required",
    ],
    ["without a handshake", "", UPGRADE, 400, "malformed_request"],
    ["with one that is too long", withHandshake(`${handshake}AAAA`), UPGRADE, 400, "malformed_request"],
    ["with one that is no base64", withHandshake("!".repeat(136)), UPGRADE, 400, "malformed_request"],
    ["with one of another kind", withHandshake("A".repeat(136)), UPGRADE, 400, "malformed_request"],
    ["with one that was changed", withHandshake(changed), UPGRADE, 401, "forged_request"],
  ])("%s", async (_, query, headers, status, code) => {
    const answer = await connect(query, headers);
    expect([answer.status, answer.json["code"]]).toEqual([status, code]);
  });

  test("for another control plane's key", async () => {
    const other = await NoiseInitiator.start(machineKeyFromRaw(noiseCrypto.newKeyPair().publicKey));
    expect((await connect(withHandshake(other.handshake))).status).toBe(401);
  });

  test("by the native upgrade names the way out", async () => {
    const { json } = await connect("", { "x-tailscale-handshake": handshake });
    expect(json["message"]).toContain("tailward bridge");
  });
});

test("a connection is switched to its subprotocol, whatever page it is from, and answered at once [T8]", async () => {
  const { handshake: fresh } = await NoiseInitiator.start(publicKey);
  const headers = {
    ...UPGRADE,
    "sec-websocket-protocol": `x, ${CONTROL_SUBPROTOCOL}`,
    origin: "https://elsewhere.test",
  };
  const request = new Request(`${ORIGIN}/ts2021${withHandshake(fresh)}`, { headers });
  const { status, webSocket, headers: answered } = await exports.default.fetch(request);
  expect([status, answered.get("sec-websocket-protocol")]).toEqual([101, CONTROL_SUBPROTOCOL]);
  if (webSocket === null) throw new Error("no WebSocket");
  webSocket.binaryType = "arraybuffer";
  const first = new Promise<number>((resolve) => {
    webSocket.addEventListener("message", ({ data }) => resolve((data as ArrayBuffer).byteLength));
  });
  webSocket.accept();
  expect(await first).toBeGreaterThan(50);
  webSocket.close();
});

describe("the object that takes a machine's connection", () => {
  const placed = (node: TestNode): Promise<unknown> => placeOfConnection(env, node.machineKey);
  const seatIn = (tailnet: string, { machineKey }: TestNode): string =>
    shardOf({ tailnet, machineKey, shards: 0 }, "socket");

  test("is the newcomers' before it is in a tailnet, then that of the tailnet it was routed to last", async () => {
    const [one, two] = [await makeTailnet(), await makeTailnet()];
    const node = new TestNode("mover");
    expect(await placed(node)).toEqual(placeOf(node.machineKey, null));
    await join(one, node);
    expect(await placed(node)).toEqual({ holder: seatIn(one, node), placedFor: one });
    node.nodeKey = new TestNode("another").nodeKey;
    await join(two, node);
    expect(await placed(node)).toEqual({ holder: seatIn(two, node), placedFor: two });
  });

  test("is the newcomers' too where the tailnet is not known", async () => {
    const node = new TestNode("lost");
    await directoryOf(env, node.machineKey).route(node.machineKey, node.nodeKey, "TnotThere");
    expect(await placed(node)).toEqual(placeOf(node.machineKey, null));
  });
});
