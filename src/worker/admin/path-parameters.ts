/** What stands in the paths of the admin API, by the parameter's name: for its document. What a path leads to is settled by whoever looks it up. */

import { CONTACT_KINDS } from "../../durable/index.ts";
import { ID_PATTERNS } from "../../protocol/index.ts";

export interface PathParameter {
  readonly pattern: string;
  readonly description: string;
}

const OTHER: PathParameter = { pattern: "^[0-9A-Za-z:._-]{1,128}$", description: "as this API gave it" };

const PARAMETERS: Readonly<Record<string, PathParameter>> = {
  tailnet: {
    pattern: `^(-|${ID_PATTERNS.tailnet}|[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?)$`,
    description: "the ID or the name of a tailnet, or `-` for the one that the token is of",
  },
  deviceId: { pattern: `^${ID_PATTERNS.device}$`, description: "the ID of a device" },
  userId: { pattern: `^${ID_PATTERNS.user}$`, description: "the ID of a user" },
  userInviteId: { pattern: `^${ID_PATTERNS.userInvite}$`, description: "the ID of an invite of a person" },
  webhookId: { pattern: `^${ID_PATTERNS.webhook}$`, description: "the ID of a webhook endpoint" },
  contactType: { pattern: `^(${CONTACT_KINDS.join("|")})$`, description: "what the contact is for" },
  inviteId: { pattern: `^${ID_PATTERNS.invite}$`, description: "the ID of a device invite" },
};

/** What is said of the parameter with that name. */
export function pathParameter(name: string): PathParameter {
  return PARAMETERS[name] ?? OTHER;
}

/** The names of a path's parameters, in their order. */
export function parametersOf(path: string): string[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name = ""]) => name);
}
