/** To whom a tailnet's operator, and its admins, turn. Source: Tailscale's `/api/v2/tailnet/{tailnet}/contacts`. */

import type { By } from "../audit/events.ts";
import { ControlError } from "../refuse.ts";
import type { Tailnet } from "../authority/tailnet.ts";

export const CONTACT_KINDS = ["account", "support", "security"] as const;
export type ContactKind = (typeof CONTACT_KINDS)[number];

/** Addresses of mail; the owner's where none was set. We send no mail: they are for people and their programs. */
export type Contacts = Readonly<Record<ContactKind, string>>;

const MAX_CHARS = 254;
const ADDRESS = /^[^\s@<>"]+@[^\s@<>"]+$/;

export function contactsOf(tailnet: Tailnet): Contacts {
  const owner = tailnet.users.owners()[0]?.login ?? "";
  return { account: owner, support: owner, security: owner, ...tailnet.settings.contacts };
}

/** Sets one of them. Throws `malformed_request`. */
export function changeContact(tailnet: Tailnet, by: By, kind: ContactKind, address: string, now: number): Contacts {
  if (address.length > MAX_CHARS || !ADDRESS.test(address))
    throw new ControlError("malformed_request", "a contact is an address of mail");
  const before = contactsOf(tailnet);
  if (before[kind] === address) return before;
  const { settings } = tailnet;
  tailnet.settings = { ...settings, contacts: { ...settings.contacts, [kind]: address } };
  const details = { old: { [kind]: before[kind] }, new: { [kind]: address } };
  tailnet.record(by, { kind: "tailnet.settings", target: tailnet.target("CONTACT"), ...details }, now);
  return contactsOf(tailnet);
}
