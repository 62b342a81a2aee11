/** `tailward admin webhook …`: endpoints that are told of events. */

import type { Command } from "commander";
import { printable } from "../node/index.ts";
import {
  WEBHOOK_SUBSCRIPTIONS,
  integer,
  list,
  optional,
  record,
  text,
  withDefault,
  type ShapeOf,
} from "../protocol/index.ts";
import { NOTHING, type AdminPlace } from "./admin-place.ts";
import { columns } from "./columns.ts";
import { UsageError } from "./usage-error.ts";

const webhook = record({
  endpointId: text,
  endpointUrl: text,
  providerType: withDefault(text, ""),
  subscriptions: list(text, 100),
  status: withDefault(text, "ok"),
  lastError: withDefault(text, ""),
  pending: withDefault(integer, 0),
  /** There once, when it is made. A secret. */
  secret: withDefault(text, ""),
  /** What could not be found out of the address when it was given. */
  warning: withDefault(text, ""),
});
const webhooks = record({ webhooks: list(webhook, 1000) });
const delivery = record({
  id: text,
  type: text,
  sequence: integer,
  created: text,
  attempts: integer,
  state: text,
  error: withDefault(text, ""),
});
const deliveries = record({ deliveries: list(delivery, 1000), cursor: optional(text) });

type Webhook = ShapeOf<typeof webhook>;
type Delivery = ShapeOf<typeof delivery>;

/** `a,b` as a list. Throws UsageError. */
function subscriptionsOf(value: string): string[] {
  const wanted = value.split(",").map((each) => each.trim());
  const unknown = wanted.find((each) => !(WEBHOOK_SUBSCRIPTIONS as readonly string[]).includes(each));
  if (unknown !== undefined)
    throw new UsageError(`${unknown} cannot be subscribed to; these can: ${WEBHOOK_SUBSCRIPTIONS.join(", ")}`, 2);
  return wanted;
}

function healthOf({ status, lastError, pending }: Webhook): string {
  if (status === "ok") return "ok";
  return printable(`${status}, ${pending} waiting: ${lastError}`);
}

function webhooksText(all: readonly Webhook[]): string {
  if (all.length === 0) return "No webhooks: tailward admin webhook create\n";
  return columns(
    all.map((one) => [one.endpointId, printable(one.endpointUrl), one.subscriptions.join(","), healthOf(one)]),
  );
}

function deliveriesText(all: readonly Delivery[]): string {
  if (all.length === 0) return "Nothing was sent in the last thirty days\n";
  return columns(
    all.map(({ id, created, type, sequence, state, attempts, error }) => [
      id,
      created,
      type,
      `#${sequence}`,
      state,
      attempts === 1 ? "" : `${attempts} attempts`,
      printable(error),
    ]),
  );
}

function secretText({ endpointId, secret }: Webhook): string {
  return `${endpointId}\n${secret}\n`;
}

function pathOf(id: string, action = ""): string {
  return `/api/v2/webhooks/${encodeURIComponent(id)}${action}`;
}

interface CreateFlags {
  readonly subscriptions: string[];
  readonly provider: string;
}

function addMaking(group: Command, place: AdminPlace): void {
  group
    .command("create <url>")
    .description("tell an endpoint of events; prints its ID and the secret that signs what it is sent, once")
    .requiredOption("--subscriptions <names>", "what it is told, as nodeCreated,categoryTailnetLock", subscriptionsOf)
    .option("--provider <name>", "in whose words: slack, mattermost, googlechat or discord", "")
    .action(async (endpointUrl: string, { subscriptions, provider: providerType }: CreateFlags) => {
      const body = { endpointUrl, subscriptions, providerType };
      const made = await place.ask("POST", place.path("/webhooks"), webhook, body);
      if (made.warning !== "") place.terminal.err(`warning: ${printable(made.warning)}\n`);
      place.print(made, secretText);
    });
  group
    .command("rotate <webhook-id>")
    .description("give an endpoint another secret, and print it, once; the old one signs beside it for a day")
    .option("--end-old", "the old one signs no more, at once: somebody else knows it", false)
    .action(async (id: string, { endOld }: { readonly endOld: boolean }) => {
      const body = { endOldSecrets: endOld };
      place.print(await place.ask("POST", pathOf(id, "/rotate"), webhook, body), secretText);
    });
  group
    .command("set <webhook-id>")
    .description("change what an endpoint is told")
    .requiredOption("--subscriptions <names>", "as nodeCreated,categoryTailnetLock", subscriptionsOf)
    .action(async (id: string, { subscriptions }: CreateFlags) => {
      place.print(await place.ask("PATCH", pathOf(id), webhook, { subscriptions }), (one) => webhooksText([one]));
    });
}

function addDeliveries(group: Command, place: AdminPlace): void {
  group
    .command("deliveries <webhook-id>")
    .description("what became of what an endpoint was sent, the newest first")
    .option("--cursor <text>", "go on where the page before has ended")
    .action(async (id: string, { cursor }: { readonly cursor?: string }) => {
      const query = cursor === undefined ? "" : `?${new URLSearchParams({ cursor }).toString()}`;
      const page = await place.ask("GET", pathOf(id, `/deliveries${query}`), deliveries);
      place.print(page, (found) => {
        const more = found.cursor === null ? "" : `more: --cursor ${printable(found.cursor)}\n`;
        return deliveriesText(found.deliveries) + more;
      });
    });
  group
    .command("replay <webhook-id> <delivery-id>")
    .description("send an endpoint once more what it was sent")
    .action(async (id: string, one: string) => {
      await place.ask("POST", pathOf(id, `/deliveries/${encodeURIComponent(one)}/replay`), NOTHING);
      place.terminal.out(`${printable(one)} is sent once more\n`);
    });
}

export function addWebhooks(admin: Command, place: AdminPlace): void {
  const group = admin.command("webhook").description("endpoints that are told of events");
  group
    .command("list")
    .description("list the endpoints, and whether they take what they are sent")
    .action(async () =>
      place.print((await place.ask("GET", place.path("/webhooks"), webhooks)).webhooks, webhooksText),
    );
  addMaking(group, place);
  group
    .command("test <webhook-id>")
    .description("send an endpoint a test; deliveries says how it went")
    .action(async (id: string) => {
      await place.ask("POST", pathOf(id, "/test"), NOTHING);
      place.terminal.out(`${printable(id)} is sent a test\n`);
    });
  addDeliveries(group, place);
  group
    .command("remove <webhook-id>")
    .description("tell an endpoint nothing more")
    .action(async (id: string) => {
      await place.ask("DELETE", pathOf(id), NOTHING);
      place.terminal.out(`${printable(id)} is told nothing more\n`);
    });
}
