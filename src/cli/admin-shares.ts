/** `tailward admin share …`: a node of one tailnet, shared with another. */

import type { Command } from "commander";
import { printable } from "../node/index.ts";
import { list, record, text, type ShapeOf } from "../protocol/index.ts";
import { findDevice } from "./admin-devices.ts";
import type { AdminPlace } from "./admin-place.ts";
import { columns } from "./columns.ts";
import { fileArgument } from "./file-argument.ts";
import { UsageError } from "./usage-error.ts";

const invites = list(record({ id: text, invite: text, expires: text }), 10);
const share = record({
  id: text,
  direction: text,
  state: text,
  deviceId: text,
  tailnetId: text,
  tailnet: text,
  created: text,
});
const shares = record({ shares: list(share, 10_000) });

type Share = ShapeOf<typeof share>;

function line({ id, direction, state, deviceId, tailnet }: Share): string[] {
  return [id, direction, state, printable(deviceId), printable(tailnet)];
}

function acceptedText({ id, state, tailnet }: Share): string {
  if (state !== "accepted") return `The invite is being accepted: tailward admin share list shows ${id} once it is.\n`;
  return (
    `Accepted from ${printable(tailnet)}. Where the lock is on, on either side, foreign nodes are locked out until a signing node signs\n` +
    "them: tailward admin lock status has the commands.\n"
  );
}

async function create(place: AdminPlace, named: string): Promise<void> {
  const { nodeId } = await findDevice(place, named);
  const [made] = await place.ask("POST", `/api/v2/device/${encodeURIComponent(nodeId)}/device-invites`, invites, [{}]);
  if (made === undefined) throw new UsageError("the control plane has made no invite");
  place.print(
    made,
    ({ invite, expires }) =>
      `The invite, which is shown this once; whoever has it can accept it until ${expires}, for one tailnet:\n\t${invite}\n` +
      `There: tailward admin --tailnet <name> share accept file:PATH\n`,
  );
}

export function addShares(admin: Command, place: AdminPlace): void {
  const group = admin.command("share").description("share a node with another tailnet");
  group
    .command("create <device>")
    .description("invite another tailnet to a device of this one")
    .action((device: string) => create(place, device));
  group
    .command("accept <invite>")
    .description("accept another tailnet's invite into this one; file:PATH reads it from a file")
    .action(async (invite: string) => {
      const body = { invite: fileArgument(invite), tailnet: place.tailnet };
      place.print(await place.ask("POST", "/api/v2/device-invites/-/accept", share, body), acceptedText);
    });
  group
    .command("list")
    .description("list what is shared, out of this tailnet and into it")
    .action(async () => {
      const answer = await place.ask("GET", place.path("/shares"), shares);
      place.print(answer, (all) => columns([["ID", "WAY", "STATE", "DEVICE", "TAILNET"], ...all.shares.map(line)]));
    });
  group
    .command("withdraw <share>")
    .description("end a share, from either side")
    .action(async (id: string) => {
      const answer = await place.ask("DELETE", place.path(`/shares/${encodeURIComponent(id)}`), share);
      place.print(answer, () => "The share has ended; its nodes are gone from both tailnets.\n");
    });
}
