/** Refusals as Tailscale's clients take them [H3]. */

import { describe, expect, test } from "vitest";
import { registerResponse } from "../../../src/protocol/index.ts";
import { nativeRefusal } from "../../../src/worker/nodes/native-refusals.ts";
import { admin, makeAuthKey, makeTailnet } from "../../support/workerd/control.ts";
import { NativeClient } from "../../support/workerd/native-client.ts";
import { TestNode } from "../../support/workerd/test-node.ts";

describe("a refused registration", () => {
  test("of a client is answered with 200 and the sentence, which `tailscale up` shows", async () => {
    const tailnet = await makeTailnet();
    const single = await makeAuthKey(tailnet);
    const revoked = await makeAuthKey(tailnet);
    const { json } = await admin("GET", `/api/v2/tailnet/${tailnet}/keys?all=true`);
    for (const { id } of json["keys"] as { id: string }[])
      if (revoked.includes(id)) await admin("DELETE", `/api/v2/tailnet/${tailnet}/keys/${id}`);
    expect((await new NativeClient("a").registered(single)).MachineAuthorized).toBe(true);
    const refusals = {
      [single]: "this auth key was for one node, and is spent: ask an admin for a new one",
      [revoked]: "this auth key was revoked: ask an admin for a new one",
      [`${single.slice(0, -1)}${single.endsWith("0") ? "1" : "0"}`]:
        "this auth key is not valid: ask an admin for a new one",
      "tskey-auth-x": "this is not an auth key of this control plane: ask an admin of the tailnet for one",
    };
    for (const [key, sentence] of Object.entries(refusals)) {
      const { Error, AuthURL, MachineAuthorized } = await new NativeClient("b").registered(key);
      expect([Error, AuthURL, MachineAuthorized]).toEqual([sentence, "", false]);
    }
  });

  test("of our own agent is a code, under its status", async () => {
    const answer = await new TestNode("a").register("tskey-auth-x");
    expect([answer.status, answer.json["code"]]).toEqual([403, "bad_auth_key"]);
  });

  test("is tried again by a client where that may help", async () => {
    for (const code of ["too_many_requests", "try_again", "internal"] as const) {
      const answer = nativeRefusal("/machine/register", { code, message: "later" });
      expect(answer.status).toBeGreaterThanOrEqual(429);
      expect(await answer.text()).toBe("later\n");
      expect(answer.headers.get("retry-after")).toBe(code === "too_many_requests" ? "30" : null);
    }
    const empty = registerResponse(
      await nativeRefusal("/machine/register", { code: "malformed_request", message: "no" }).json(),
      "x",
    );
    expect(empty.Error).toBe("no");
  });
});

test("what else is refused to a client is a sentence under its status", async () => {
  const tailnet = await makeTailnet();
  const client = new NativeClient("a");
  await client.registered(await makeAuthKey(tailnet));
  const { status, text, headers } = await client.tka("sign", { Signature: new Uint8Array(1) });
  expect([status, text]).toEqual([409, "tailnet lock is not enabled in this tailnet\n"]);
  expect(headers.get("content-type")).toContain("text/plain");
});
