/**
 * The admin API for a tailnet's settings and contacts, with Tailscale's names. What is fixed here is shown as it is; setting it to that is a success, and to
 * anything else refused.
 */

import { z } from "zod";
import { CONTACT_KINDS, type ContactKind, type Contacts, type Settings } from "../../durable/index.ts";
import type { Outcome, Refusal } from "../../protocol/index.ts";
import { tailnetRoute, type AdminRoute } from "./route.ts";
import { orNull } from "./shapes.ts";

/** Settings of Tailscale's that cannot be changed here. */
const FIXED = {
  devicesAutoUpdatesOn: false,
  usersRoleAllowedToJoinExternalTailnets: "admin",
  networkFlowLoggingOn: false,
  regionalRoutingOn: false,
  postureIdentityCollectionOn: false,
  httpsEnabled: false,
} as const;

const settings = z
  .object({
    aclsExternallyManagedOn: z.boolean(),
    aclsExternalLink: z.string(),
    devicesApprovalOn: z.boolean(),
    devicesKeyDurationDays: z.int(),
    lockAllowsOldClients: z.boolean(),
    auditLogRetentionDays: z.int(),
    devicesAutoUpdatesOn: z.boolean(),
    usersApprovalOn: z.boolean(),
    usersRoleAllowedToJoinExternalTailnets: z.string(),
    networkFlowLoggingOn: z.boolean(),
    regionalRoutingOn: z.boolean(),
    postureIdentityCollectionOn: z.boolean(),
    httpsEnabled: z.boolean(),
  })
  .meta({ id: "Settings" });

/** What is set there: not the names of DNS nor the contacts, which have routes of their own. */
function settingsJson({ dns, contacts, ...plain }: Settings): z.input<typeof settings> {
  void [dns, contacts];
  return { ...plain, ...FIXED };
}

const changeable = {
  aclsExternallyManagedOn: orNull(z.boolean()),
  aclsExternalLink: orNull(z.string()),
  devicesApprovalOn: orNull(z.boolean()),
  usersApprovalOn: orNull(z.boolean()),
  devicesKeyDurationDays: orNull(z.int()),
  lockAllowsOldClients: orNull(z.boolean()),
  auditLogRetentionDays: orNull(z.int()),
};
const fixed = {
  devicesAutoUpdatesOn: orNull(z.boolean()),
  usersRoleAllowedToJoinExternalTailnets: orNull(z.string()),
  networkFlowLoggingOn: orNull(z.boolean()),
  regionalRoutingOn: orNull(z.boolean()),
  postureIdentityCollectionOn: orNull(z.boolean()),
  httpsEnabled: orNull(z.boolean()),
} satisfies Record<keyof typeof FIXED, z.ZodType>;
/** A setting that there is not here, of Tailscale's or anybody's, is refused rather than passed over; null, as Tailscale's client sends it, says nothing. */
const settingsBody = z
  .object({ ...changeable, ...fixed })
  .catchall(z.null({ error: `there is no such setting here: they are ${Object.keys(changeable).join(", ")}` }));

/** The first setting that is to be other than it is fixed to, as a refusal; null where there is none. */
function fixedRefusal(wanted: z.output<typeof settingsBody>): Refusal | null {
  const name = (Object.keys(FIXED) as (keyof typeof FIXED)[]).find(
    (one) => wanted[one] !== null && wanted[one] !== FIXED[one],
  );
  if (name === undefined) return null;
  return { code: "not_supported", message: `${name} is ${JSON.stringify(FIXED[name])} here, and cannot be changed` };
}

const contact = z.object({ email: z.string(), needsVerification: z.boolean() });
const contacts = z.object({ account: contact, support: contact, security: contact }).meta({ id: "Contacts" });

/** Nothing is sent to them, so that there is nothing to verify. */
function contactJson(email: string): z.input<typeof contact> {
  return { email, needsVerification: false };
}

function contactsJson({ account, support, security }: Contacts): z.input<typeof contacts> {
  return { account: contactJson(account), support: contactJson(support), security: contactJson(security) };
}

const NO_CONTACT: Refusal = { code: "not_found", message: `contacts are ${CONTACT_KINDS.join(", ")}` };

const TAILNET = "/api/v2/tailnet/:tailnet";

export const SETTINGS_ROUTES: readonly AdminRoute[] = [
  tailnetRoute({
    method: "GET",
    path: `${TAILNET}/settings`,
    act: "settings.read",
    summary: "A tailnet's settings",
    answer: settings,
    call: ({ authority }) => authority.settings(),
    format: settingsJson,
  }),
  tailnetRoute({
    method: "PATCH",
    path: `${TAILNET}/settings`,
    act: "settings.change",
    summary: "Changes settings: those that are named, and not null",
    body: settingsBody,
    answer: settings,
    call: async ({ authority, by, body }): Promise<Outcome<Settings>> => {
      const error = fixedRefusal(body);
      if (error !== null) return { ok: false, error };
      const { aclsExternallyManagedOn, aclsExternalLink, lockAllowsOldClients, auditLogRetentionDays } = body;
      const { devicesApprovalOn, devicesKeyDurationDays, usersApprovalOn } = body;
      const acls = { aclsExternallyManagedOn, aclsExternalLink };
      const devices = { devicesApprovalOn, devicesKeyDurationDays, usersApprovalOn };
      return authority.changeSettings(by, { ...acls, ...devices, lockAllowsOldClients, auditLogRetentionDays });
    },
    format: settingsJson,
  }),
  tailnetRoute({
    method: "GET",
    path: `${TAILNET}/contacts`,
    act: "contacts.read",
    summary: "Whom to turn to",
    answer: contacts,
    call: ({ authority }) => authority.contacts(),
    format: contactsJson,
  }),
  tailnetRoute({
    method: "PATCH",
    path: `${TAILNET}/contacts/:contactType`,
    act: "contacts.change",
    summary: "Names somebody to turn to",
    body: z.object({ email: z.string().meta({ format: "email" }) }),
    answer: contacts,
    call: async ({ authority, by, param, body }): Promise<Outcome<Contacts>> => {
      const kind = CONTACT_KINDS.find((one): one is ContactKind => one === param("contactType"));
      return kind === undefined ? { ok: false, error: NO_CONTACT } : authority.changeContact(by, kind, body.email);
    },
    format: contactsJson,
  }),
];
