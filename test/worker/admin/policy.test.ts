/** The policy file over the admin API, as Tailscale's client asks for it. */

import { describe, expect, test } from "vitest";
import { env, exports } from "cloudflare:workers";
import { DEFAULT_POLICY, MAX_POLICY_CHARS } from "../../../src/policy/index.ts";
import { admin, authorityOf, makeTailnet } from "../../support/workerd/control.ts";
import { refused } from "../../support/workerd/refused.ts";
import { ORIGIN } from "../../support/workerd/signed-request.ts";
import { answerOf, type Answer } from "../../support/workerd/test-node.ts";

const HUJSON = "application/hujson";
const POLICY = `// Ours.
{
  "tagOwners": {"tag:web": [],},
  "acls": [{"action": "accept", "src": ["autogroup:member"], "dst": ["tag:web:80"]}],
  "tests": [{"src": "tag:web", "deny": ["tag:web:80"]}],
}
`;

interface File extends Answer {
  readonly text: string;
  readonly etag: string;
}

async function acl(
  tailnet: string,
  method: "GET" | "POST",
  body: string | null = null,
  headers: Record<string, string> = {},
  path = "",
): Promise<File> {
  const init = body === null ? {} : { body };
  const request = new Request(`${ORIGIN}/api/v2/tailnet/${tailnet}/acl${path}`, {
    method,
    headers: { authorization: `Bearer ${env.OWNER_TOKEN}`, ...headers },
    ...init,
  });
  const response = await exports.default.fetch(request);
  const text = new TextDecoder().decode(await response.arrayBuffer());
  const type = { "content-type": "application/json" };
  const json = await answerOf(new Response(text, { status: response.status, headers: type }));
  return { ...json, headers: response.headers, text, etag: response.headers.get("etag") ?? "" };
}

describe("the policy file", () => {
  test("is the default until one is set, in both forms, with an ETag [F13]", async () => {
    const tailnet = await makeTailnet();
    const raw = await acl(tailnet, "GET", null, { accept: HUJSON });
    expect([raw.status, raw.text, raw.headers.get("content-type")]).toEqual([200, DEFAULT_POLICY, HUJSON]);
    const json = await acl(tailnet, "GET", null, { accept: "application/json" });
    expect(json.json).toEqual({ grants: [{ src: ["*"], dst: ["*"], ip: ["*"] }] });
    expect(json.etag).toBe(raw.etag);
    expect(raw.etag).toMatch(/^"[0-9a-f]{64}"$/);
  });

  test("comes back as it was set, and JSON is taken too", async () => {
    const tailnet = await makeTailnet();
    const set = await acl(tailnet, "POST", POLICY, { "content-type": HUJSON, accept: HUJSON });
    expect([set.status, set.text]).toEqual([200, POLICY]);
    expect((await acl(tailnet, "GET", null, { accept: HUJSON })).text).toBe(POLICY);
    const json = await acl(tailnet, "POST", JSON.stringify({ acls: [] }), { accept: "application/json" });
    expect([json.status, json.json]).toEqual([200, { acls: [] }]);
    expect(json.etag).not.toBe(set.etag);
  });

  test("is set by whoever has read the one that holds, and by nobody else", async () => {
    const tailnet = await makeTailnet();
    const first = await acl(tailnet, "POST", `{"acls": []}`, { "if-match": '"ts-default"' });
    expect(first.status).toBe(200);
    for (const stale of ['"ts-default"', '"0123"']) {
      const late = await acl(tailnet, "POST", POLICY, { "if-match": stale });
      expect([late.status, late.json["code"]]).toEqual([412, "policy_changed"]);
    }
    // A lost answer: the same again is a success, whatever was read before.
    expect((await acl(tailnet, "POST", `{"acls": []}`, { "if-match": '"ts-default"' })).status).toBe(200);
    expect((await acl(tailnet, "POST", POLICY, { "if-match": first.etag })).status).toBe(200);
  });

  test("is refused with the place where it is wrong, and the one before holds [F13]", async () => {
    const tailnet = await makeTailnet();
    const { status, json } = await acl(tailnet, "POST", `{\n  "acl": []\n}`);
    expect([status, json["code"]]).toEqual([400, "bad_policy"]);
    expect(json["message"]).toContain('line 2, column 3: a policy file has no field "acl": is "acls" meant?');
    const long = await acl(tailnet, "POST", `{}${" ".repeat(MAX_POLICY_CHARS)}`);
    expect([long.status, long.json["code"]]).toEqual([400, "bad_policy"]);
    expect((await acl(tailnet, "GET", null, { accept: HUJSON })).text).toBe(DEFAULT_POLICY);
  });

  test("is refused where its own tests fail [F13]", async () => {
    const tailnet = await makeTailnet();
    const failing = POLICY.replace(`"deny"`, `"accept"`);
    const { status, json } = await acl(tailnet, "POST", failing);
    expect([status, json["code"]]).toEqual([400, "policy_tests_failed"]);
    expect(json["message"]).toContain(
      'test(s) failed: line 5, column 43: from "tag:web", "tag:web:80" should be reached',
    );
    const errors = ['line 5, column 43: from "tag:web", "tag:web:80" should be reached, and is not'];
    expect(json["data"]).toEqual([{ user: "tag:web", errors }]);
    expect((await acl(tailnet, "GET", null, { accept: HUJSON })).text).toBe(DEFAULT_POLICY);
  });

  test("is checked without being set", async () => {
    const tailnet = await makeTailnet();
    const check = (policy: string): Promise<File> =>
      acl(tailnet, "POST", policy, { "content-type": HUJSON }, "/validate");
    expect([(await check(POLICY)).status, (await check(POLICY)).json]).toEqual([200, {}]);
    const wrong = await check("{");
    expect([wrong.status, String(wrong.json["message"])]).toEqual([200, expect.stringContaining("line 1")]);
    const failing = await check(POLICY.replace(`"deny"`, `"accept"`));
    expect(failing.json).toEqual({
      message: "test(s) failed",
      data: [{ user: "tag:web", errors: [expect.stringContaining("should be reached")] }],
    });
    expect((await acl(tailnet, "GET", null, { accept: HUJSON })).text).toBe(DEFAULT_POLICY);
  });

  test("a change is one event, which tells of both by their hashes; none where nothing changes", async () => {
    const tailnet = await makeTailnet();
    const before = (await acl(tailnet, "GET")).etag.replaceAll('"', "");
    const after = (await acl(tailnet, "POST", POLICY)).etag.replaceAll('"', "");
    await acl(tailnet, "POST", POLICY);
    const page = await authorityOf(tailnet).recordPage("events", 0, 100);
    if (!page.ok || page.value.part !== "events") throw new Error("no events");
    const events = page.value.rows.filter(({ kind }) => kind === "policy.changed");
    const parsed = (json: string): unknown => JSON.parse(json);
    expect(events.map((event) => [parsed(event.old), parsed(event.new), event.target])).toEqual([
      [{ etag: before }, { etag: after, characters: POLICY.length }, expect.stringContaining('"property":"ACL"')],
    ]);
  });

  test("goes with its tailnet", async () => {
    const tailnet = await makeTailnet();
    await acl(tailnet, "POST", POLICY);
    expect((await admin("DELETE", `/api/v2/tailnet/${tailnet}`)).status).toBe(200);
    expect((await acl(tailnet, "GET")).json["code"]).toBe("unknown_tailnet");
  });
});

test("tests alone are of the policy in force, and a preview says which of its rules are about somebody", async () => {
  const name = `preview${crypto.randomUUID().slice(0, 8)}.test`;
  const acl = `/api/v2/tailnet/${await makeTailnet(name)}/acl`;
  const owner = `owner@${name}`;
  const policy = {
    tagOwners: { "tag:web": [] },
    grants: [{ src: [owner], dst: ["tag:web"], ip: ["443"] }],
  };
  expect((await admin("POST", acl, policy)).status).toBe(200);
  const good = [{ src: owner, accept: ["tag:web:443"], deny: ["tag:web:80"] }];
  expect((await admin("POST", `${acl}/validate`, good)).json).toEqual({});
  const bad = [{ src: owner, accept: ["tag:web:80"] }];
  expect((await admin("POST", `${acl}/validate`, bad)).json).toMatchObject({ message: "test(s) failed" });
  const matches = [{ users: [owner], ports: ["tag:web:443"], lineNumber: 1 }];
  const forOwner = await admin("POST", `${acl}/preview?type=user&previewFor=${owner}`, policy);
  expect(forOwner.json).toEqual({ matches, type: "user", previewFor: owner });
  const forAddress = await admin("POST", `${acl}/preview?type=ipport&previewFor=100.64.0.1:443`, policy);
  expect(forAddress.json).toMatchObject({ matches: [] });
  refused(await admin("POST", `${acl}/preview?type=ipport&previewFor=here`, policy), "malformed_request");
  refused(await admin("POST", `${acl}/preview?type=user&previewFor=${owner}`, { acls: 1 }), "bad_policy");
});
