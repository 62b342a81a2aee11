/** Access tokens of OAuth clients by `POST /api/v2/oauth/token`, and how much of the admin API one may have [H8]. */

import { describe, expect, test } from "vitest";
import { admin, authorityOf, makeTailnet } from "../../support/workerd/control.ts";
import { makeToken, newPerson } from "../../support/workerd/people.ts";
import { refused } from "../../support/workerd/refused.ts";
import { ORIGIN } from "../../support/workerd/signed-request.ts";
import { fetchWorker, type Answer } from "../../support/workerd/test-node.ts";

interface TestClient {
  readonly tailnet: string;
  readonly id: string;
  readonly secret: string;
}

async function newClient(scopes: readonly string[], tags: readonly string[] = []): Promise<TestClient> {
  const tailnet = await makeTailnet();
  const body = { keyType: "client", scopes, tags, description: "CI" };
  const { json } = await admin("POST", `/api/v2/tailnet/${tailnet}/keys`, body);
  return { tailnet, id: String(json["id"]), secret: String(json["key"]) };
}

function ask(form: Record<string, string>, headers: Record<string, string> = {}): Promise<Answer> {
  const body = new URLSearchParams(form);
  return fetchWorker(new Request(`${ORIGIN}/api/v2/oauth/token`, { method: "POST", body, headers }));
}

function formOf({ id, secret }: TestClient): Record<string, string> {
  return { client_id: id, client_secret: secret, grant_type: "client_credentials" };
}

describe("an OAuth client", () => {
  test("is given an access token for an hour, by a form or by Basic, as Tailscale's clients ask", async () => {
    const client = await newClient(["devices:core:read", "dns"]);
    const { client_id: _, client_secret: __, ...bare } = formOf(client);
    const basic = { authorization: `Basic ${btoa(`${client.id}:${client.secret}`)}` };
    for (const answer of [await ask(formOf(client)), await ask(bare, basic), await ask({}, basic)]) {
      expect(answer.status).toBe(200);
      expect(answer.headers.get("cache-control")).toBe("no-store");
      expect(answer.json).toMatchObject({ token_type: "Bearer", expires_in: 3600, scope: "devices:core:read dns" });
      const token = String(answer.json["access_token"]);
      expect(token).toMatch(/^tskey-access-T/);
      expect((await admin("GET", "/api/v2/tailnet/-/devices", null, token)).status).toBe(200);
      expect((await admin("GET", "/api/v2/tailnet/-/dns/preferences", null, token)).status).toBe(200);
      const other = await admin("GET", "/api/v2/tailnet/-/acl", null, token);
      expect([other.status, other.json["message"]]).toEqual([
        403,
        "this needs the right to do: policy.read; a credential with the scope policy_file:read is wanted",
      ]);
    }
    const { json } = await admin("GET", `/api/v2/tailnet/${client.tailnet}/keys/${client.id}`);
    expect(json).toMatchObject({ keyType: "client", description: "CI", scopes: ["devices:core:read", "dns"] });
    expect(json).toHaveProperty("lastUsed");
  });

  test("is named by its secret, as `tailscale up --auth-key tskey-client-…` has it, which makes up an ID", async () => {
    const client = { ...(await newClient(["dns"])), id: "some-client-id" };
    expect((await ask(formOf(client))).status).toBe(200);
    expect((await ask({}, { authorization: `Basic ${btoa(`${client.id}:${client.secret}`)}` })).status).toBe(200);
  });

  test("hears what would let it in, where something would", async () => {
    const { id: _, ...client } = await newClient(["all"]);
    const token = String((await ask({ client_secret: client.secret })).json["access_token"]);
    const path = `/api/v2/tailnet/${client.tailnet}`;
    const told = [
      await admin("POST", `${path}/lock/disable`, { secret: "00" }, token),
      await admin("DELETE", path, null, token),
    ].map(({ status, json }) => [status, json["message"]]);
    expect(told).toEqual([
      [403, "this needs the right to do: lock.disable; no OAuth client may: somebody has to answer for it"],
      [403, "this needs the right to do: tailnet.delete; only the operator of the control plane may"],
    ]);
  });

  test("may ask for less, and for no more", async () => {
    const client = await newClient(["devices:core", "auth_keys"], ["tag:a", "tag:b"]);
    const less = await ask({ ...formOf(client), scope: "devices:core:read", tags: "tag:a" });
    expect(less.json).toMatchObject({ scope: "devices:core:read" });
    const token = String(less.json["access_token"]);
    expect((await admin("GET", "/api/v2/tailnet/-/devices", null, token)).status).toBe(200);
    refused(await admin("POST", "/api/v2/tailnet/-/keys", {}, token), "forbidden");
    for (const more of [{ scope: "all" }, { scope: "dns" }, { scope: "no_such" }, { tags: "tag:c" }] as const) {
      const answer = await ask({ ...formOf(client), ...more });
      expect([answer.status, answer.json["error"]]).toEqual([400, "invalid_scope"]);
    }
  });

  test("has by its access token no more than the client has by now [P56]", async () => {
    const client = await newClient(["devices:core", "dns:read"]);
    const token = String((await ask(formOf(client))).json["access_token"]);
    const key = `/api/v2/tailnet/${client.tailnet}/keys/${client.id}`;
    const statuses = async (): Promise<number[]> => {
      const asked = ["/devices", "/dns/nameservers", "/keys"].map((path) =>
        admin("GET", `/api/v2/tailnet/-${path}`, null, token),
      );
      return (await Promise.all(asked)).map(({ status }) => status);
    };
    expect(await statuses()).toEqual([200, 200, 403]);
    expect((await admin("PUT", key, { keyType: "client", scopes: ["dns:read"] })).status).toBe(200);
    expect(await statuses()).toEqual([403, 200, 403]);
    await admin("PUT", key, { keyType: "client", scopes: ["all"] });
    expect(await statuses()).toEqual([200, 200, 403]);
  });

  test("that is none is told so in OAuth's words", async () => {
    const client = await newClient(["dns"]);
    const wrong = { ...client, secret: client.secret.replace(/.$/, (end) => (end === "A" ? "B" : "A")) };
    const apiToken = { ...client, secret: await makeToken(client.tailnet, "") };
    const gone = { ...client, secret: client.secret.replace(client.tailnet, "T0000000000") };
    for (const each of [wrong, apiToken, gone, { ...client, secret: "" }]) {
      const answer = await ask(formOf(each));
      expect([answer.status, answer.json["error"]]).toEqual([401, "invalid_client"]);
      expect(answer.headers.get("www-authenticate")).toBe("Basic");
    }
    const strange = await ask({ ...formOf(client), grant_type: "password" });
    expect([strange.status, strange.json["error"]]).toEqual([400, "unsupported_grant_type"]);
    const headers = { "content-type": "application/json" };
    const json = new Request(`${ORIGIN}/api/v2/oauth/token`, { method: "POST", body: "{}", headers });
    expect((await fetchWorker(json)).status).toBe(400);
    await admin("DELETE", `/api/v2/tailnet/${client.tailnet}/keys/${client.id}`);
    expect((await ask(formOf(client))).status).toBe(401);
  });

  test("that was given a token is on the record, and the token's text is not", async () => {
    const client = await newClient(["dns"]);
    const token = String((await ask(formOf(client))).json["access_token"]);
    const page = await authorityOf(client.tailnet).recordPage("events", 0, 100);
    const told = JSON.stringify(page);
    expect(told).toContain("client.granted");
    expect(told).not.toContain(token.slice(token.lastIndexOf("-") + 1));
  });
});

describe("how much one may have [H8]", () => {
  const late = (answer: Answer): void => {
    expect(answer.status).toBe(429);
    refused(answer, "too_many_requests");
    expect(answer.headers.get("retry-after")).toBe("60");
  };

  /** Asks on and on, until it is too much; gives how many were answered before. The minute may turn in between. */
  async function untilLate(allowed: number, status: number, once: () => Promise<Answer>): Promise<number> {
    for (let answered = 0; answered < 3 * allowed; answered += 20) {
      const answers = await Promise.all(Array.from({ length: 20 }, once));
      const refusal = answers.find((answer) => answer.status !== status);
      if (refusal === undefined) continue;
      late(refusal);
      return answered + answers.filter((answer) => answer.status === status).length;
    }
    throw new Error("it was never too much");
  }

  test("an address that proves nobody again and again", async () => {
    let last = 0;
    // Another address of the same network is no way around.
    const fail = (): Promise<Answer> => {
      const headers = {
        authorization: "Bearer wrong",
        "cf-connecting-ip": `2001:db8:ffff:1::${(last++).toString(16)}`,
      };
      return fetchWorker(new Request(`${ORIGIN}/api/v2/tailnets`, { headers }));
    };
    expect(await untilLate(60, 401, fail)).toBeGreaterThanOrEqual(60);
    expect((await admin("GET", "/api/v2/tailnets", null, "wrong")).status).toBe(401);
  });

  test("a person who asks without end; the operator is not counted", async () => {
    const tailnet = await makeTailnet();
    const bob = await newPerson(tailnet, "bob@example.com", "auditor");
    const tokens = [bob.token, await makeToken(tailnet, bob.id)];
    const path = `/api/v2/tailnet/${tailnet}/settings`;
    let asked = 0;
    // Another token of the same person's is no way around.
    const ask = (): Promise<Answer> => admin("GET", path, null, tokens[asked++ % 2]);
    expect(await untilLate(600, 200, ask)).toBeGreaterThanOrEqual(600);
    for (let i = 0; i < 13; i++) {
      const answers = await Promise.all(Array.from({ length: 50 }, () => admin("GET", path)));
      expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    }
  });
});
