/** `tailward admin device …`. A device is named by its ID, its node key, or its name, whole or its first label. */

import type { Command } from "commander";
import { printable } from "../node/index.ts";
import { boolean, list, record, text, withDefault, type ShapeOf } from "../protocol/index.ts";
import { NOTHING, type AdminPlace } from "./admin-place.ts";
import { columns } from "./columns.ts";
import { splitTags } from "./tags.ts";
import { UsageError } from "./usage-error.ts";

const optionalText = withDefault(text, "");
const optionalFlag = withDefault(boolean, false);
const device = record({
  nodeId: text,
  isExternal: withDefault(boolean, false),
  name: text,
  hostname: text,
  addresses: list(text, 64),
  os: optionalText,
  clientVersion: optionalText,
  nodeKey: text,
  machineKey: optionalText,
  tags: list(text, 64),
  created: optionalText,
  expires: optionalText,
  expired: optionalFlag,
  keyExpiryDisabled: optionalFlag,
  authorized: optionalFlag,
  isEphemeral: optionalFlag,
  tailnetLockKey: optionalText,
  tailnetLockError: optionalText,
  tailnetLockWarning: optionalText,
  tailnetLockSignCommand: optionalText,
  tailnetLockIgnored: optionalFlag,
});
const devices = record({ devices: list(device, 100_000) });

type Device = ShapeOf<typeof device>;

/** How a device stands, in some words. */
function standing(one: Device): string {
  const words = [
    ...(one.authorized ? [] : ["waits for approval"]),
    ...(one.expired ? ["key expired"] : []),
    ...(one.tailnetLockError === "" ? [] : ["LOCKED OUT"]),
    ...(one.tailnetLockWarning === "" ? [] : ["to be signed directly"]),
    ...(one.tailnetLockIgnored ? ["ignores the lock"] : []),
  ];
  return words.length === 0 ? "fine" : words.join(", ");
}

function devicesText(all: readonly Device[]): string {
  if (all.length === 0) return "No devices.\n";
  return columns(
    all.map((one) => [
      one.nodeId,
      printable(one.name),
      one.addresses[0] ?? "-",
      printable(one.os),
      printable(one.tags.join(",")) || "-",
      standing(one),
    ]),
  );
}

function deviceText(one: Device): string {
  const lock = one.tailnetLockError || one.tailnetLockWarning || "fine";
  return columns([
    ["device", one.nodeId],
    ["name", printable(one.name)],
    ["addresses", one.addresses.join(", ")],
    ["host", printable(`${one.hostname} (${one.os}, ${one.clientVersion})`)],
    ["node key", one.nodeKey],
    ["key expires", one.keyExpiryDisabled ? "never" : one.expires],
    ["tags", printable(one.tags.join(", ")) || "-"],
    ["lock key", one.tailnetLockKey || "-"],
    ["tailnet lock", printable(lock)],
    ...(one.tailnetLockSignCommand === "" ? [] : [["let it in", printable(one.tailnetLockSignCommand)]]),
    ["stands", standing(one)],
  ]);
}

async function all(place: AdminPlace): Promise<readonly Device[]> {
  return (await place.ask("GET", place.path("/devices"), devices)).devices;
}

/** The device that is meant. Throws UsageError. */
export async function findDevice(place: AdminPlace, named: string): Promise<Device> {
  // A device of another tailnet goes by its full name: it may call itself what it likes.
  const found = (await all(place)).find(
    ({ nodeId, nodeKey, name, isExternal }) =>
      [nodeId, nodeKey, name].includes(named) || (!isExternal && name.split(".")[0] === named),
  );
  if (found === undefined) throw new UsageError(`there is no device ${named}: tailward admin device list shows them`);
  return found;
}

/** A command that does one thing to one device. */
function addAct(
  group: Command,
  place: AdminPlace,
  usage: string,
  description: string,
  act: (args: readonly string[]) => readonly [path: string, body: object, done: string],
): void {
  group
    .command(usage)
    .description(description)
    .action(async (named: string, ...rest: unknown[]) => {
      // What commander gives after the arguments is its own.
      const [path, body, done] = act(rest.slice(0, -2).flat() as string[]);
      const { nodeId, name } = await findDevice(place, named);
      await place.ask("POST", `/api/v2/device/${encodeURIComponent(nodeId)}${path}`, NOTHING, body);
      place.terminal.out(`${printable(name)} ${done}\n`);
    });
}

function addActs(group: Command, place: AdminPlace): void {
  addAct(group, place, "expire <device>", "end a device's key: it must authenticate again", () => [
    "/expire",
    {},
    "must authenticate again",
  ]);
  addAct(group, place, "authorize <device>", "approve a device that waits", () => [
    "/authorized",
    { authorized: true },
    "is approved",
  ]);
  addAct(group, place, "tag <device> [tags...]", "give a device these tags, in place of those it has", (given) => {
    const tags = splitTags(given);
    return ["/tags", { tags }, tags.length === 0 ? "has no tags" : `has the tags ${tags.join(", ")}`];
  });
  addAct(group, place, "rename <device> <name>", "give a device another name", ([name = ""]) => [
    "/name",
    { name },
    `is called ${name}`,
  ]);
  addAct(group, place, "key-expiry <device> <on|off>", "switch off that a device's key ends, or on", ([word = ""]) => {
    if (word !== "on" && word !== "off") throw new UsageError("key-expiry is on or off");
    return ["/key", { keyExpiryDisabled: word === "off" }, `has a key that ${word === "off" ? "never ends" : "ends"}`];
  });
}

export function addDevices(admin: Command, place: AdminPlace): void {
  const group = admin.command("device").description("list devices, and act on them");
  group
    .command("list")
    .description("list the devices of a tailnet")
    .action(async () => place.print(await all(place), devicesText));
  group
    .command("get <device>")
    .description("show one device")
    .action(async (named: string) => place.print(await findDevice(place, named), deviceText));
  group
    .command("remove <device>")
    .description("take a device out: its peers lose it; it may join again by an auth key")
    .action(async (named: string) => {
      const { nodeId, name } = await findDevice(place, named);
      await place.ask("DELETE", `/api/v2/device/${encodeURIComponent(nodeId)}`, NOTHING);
      place.terminal.out(`${printable(name)} is removed\n`);
    });
  addActs(group, place);
}
