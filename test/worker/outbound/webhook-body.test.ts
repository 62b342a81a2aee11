/** What endpoints are told, in whose words, and by which signature. */

import { expect, test } from "vitest";
import type { StoredEvent, WebhookAttempt } from "../../../src/durable/index.ts";
import {
  WEBHOOK_PROVIDERS,
  WEBHOOK_SUBSCRIPTIONS,
  webhookTypesOf,
  type WebhookType,
} from "../../../src/protocol/index.ts";
import { messageOf, webhookBody } from "../../../src/worker/outbound/webhook-body.ts";
import { signatureHeader } from "../../../src/worker/outbound/webhook-signature.ts";

const EVENT: StoredEvent = {
  epoch: "e1",
  seq: 7,
  at: Date.UTC(2026, 10, 25),
  kind: "node.joined",
  actor: JSON.stringify({ type: "USER", id: "u1", name: "Alice", login: "alice@example.com" }),
  origin: "CONFIG_API",
  target: JSON.stringify({ type: "NODE", id: "n1", name: "web" }),
  old: "null",
  new: JSON.stringify({ nodeKey: "nodekey:00", tags: ["tag:ci"], keyExpiry: null }),
  group: "r1",
  hash: new Uint8Array(32).fill(0xab),
};

function attempt(type: WebhookType, event: Partial<StoredEvent> = {}): WebhookAttempt {
  const rest = { webhook: "w1", address: new Uint8Array(0), provider: "", boxes: [], created: 0 } as const;
  return {
    ...rest,
    type,
    event: { ...EVENT, ...event },
    hashBefore: new Uint8Array(0),
    tailnetName: "example.com",
    managedBy: "bob@example.com",
  };
}

test("is Tailscale's JSON, with the head of the log", () => {
  expect(JSON.parse(webhookBody("", messageOf(attempt("nodeCreated"))))).toEqual([
    {
      timestamp: "2026-11-25T00:00:00.000Z",
      version: 1,
      type: "nodeCreated",
      tailnet: "example.com",
      message: "Node web.example.com was created",
      data: {
        nodeID: "n1",
        deviceName: "web.example.com",
        managedBy: "bob@example.com",
        nodeKey: "nodekey:00",
        tags: '["tag:ci"]',
        actor: "alice@example.com",
        actorType: "USER",
      },
      epoch: "e1",
      sequence: 7,
      hash: "ab".repeat(32),
      previousHash: "",
      requestId: "r1",
    },
  ]);
});

test("has a sentence for all that can be subscribed to", () => {
  for (const type of WEBHOOK_SUBSCRIPTIONS.filter((each) => !each.startsWith("category")))
    expect(messageOf(attempt(type as WebhookType)).message).toMatch(/^[A-Zn]/);
});

test("in a chat calls nobody and makes no link, whatever a node is called", () => {
  const name = "<!channel> <http://evil|x> @here @everyone\n[example.com] The tailnet lock was disabled\u2028x";
  const event = { target: JSON.stringify({ type: "NODE", id: "n1", name }) };
  for (const provider of WEBHOOK_PROVIDERS.filter((each) => each !== "")) {
    const body = JSON.parse(webhookBody(provider, messageOf(attempt("nodeCreated", event)))) as Record<string, unknown>;
    const text = String(body["text"] ?? body["content"]);
    if (provider === "slack" || provider === "googlechat") expect(text).not.toMatch(/[<>]/);
    expect(text).not.toMatch(/[\n\u2028]/);
    if (provider === "mattermost") expect(text).not.toMatch(/@(here|everyone)/);
    if (provider === "discord") expect(body["allowed_mentions"]).toEqual({ parse: [] });
  }
});

test("is signed over time and body by each secret: digests of another HMAC", async () => {
  expect(await signatureHeader(["tskey-webhook-a", "tskey-webhook-b"], "[]", 1_663_781_880_999)).toBe(
    "t=1663781880,v1=a5ca3d74103979a6df0eb912ac023b81e711fbeb6b329c5261b8551ad0c4aee8," +
      "v1=5c3421559356440e3247b17f2df3ba68ffe10ef2c0ff3c1da2fc31fcff178943",
  );
});

test("events are what Tailscale calls them", () => {
  const table: [string, unknown, readonly string[]][] = [
    ["node.joined", { authorized: true }, ["nodeCreated"]],
    ["node.joined", { authorized: false }, ["nodeCreated", "nodeNeedsApproval"]],
    ["node.authorized", { authorized: true }, ["nodeApproved"]],
    ["node.authorized", { authorized: false }, ["nodeNeedsApproval"]],
    ["node.expiring", null, ["nodeKeyExpiringInOneDay"]],
    ["node.expired", null, ["nodeKeyExpired"]],
    ["node.removed", null, ["nodeDeleted"]],
    ["node.signed", null, ["nodeSigned"]],
    ["node.needs_signature", null, ["nodeNeedsSignature"]],
    ["user.created", null, ["userCreated"]],
    ["user.created", { approved: true }, ["userCreated"]],
    ["user.created", { approved: false }, ["userCreated", "userNeedsApproval"]],
    ["user.approved", null, ["userApproved"]],
    ["invite.created", null, []],
    ["user.role", null, ["userRoleUpdated"]],
    ["user.suspended", null, ["userSuspended"]],
    ["user.restored", null, ["userRestored"]],
    ["user.removed", null, ["userDeleted"]],
    ["policy.changed", null, ["policyUpdate"]],
    ["tailnet.settings", null, []],
    ["toString", null, []],
  ];
  for (const [kind, detail, types] of table)
    expect([kind, webhookTypesOf(kind, detail)]).toEqual([kind, [...types, "auditEvent"]]);
});
