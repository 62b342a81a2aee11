/** `tailward admin …`: the commands of a tailnet's admin, over the admin API. Each group stands in a file of its own. */

import type { Command } from "commander";
import { addClients, addTokens } from "./admin-credentials.ts";
import { addAuditLog } from "./admin-audit.ts";
import { addDeadLetters } from "./admin-dead-letters.ts";
import { addDevices } from "./admin-devices.ts";
import { addKeys } from "./admin-keys.ts";
import { addLockOfTailnet } from "./admin-lock.ts";
import { addLogins } from "./admin-logins.ts";
import { AdminPlace } from "./admin-place.ts";
import { addPolicy } from "./admin-policy.ts";
import { addRebuild } from "./admin-rebuild.ts";
import { addShares } from "./admin-shares.ts";
import { addSignInLink } from "./admin-sign-in.ts";
import { addSupport } from "./admin-support.ts";
import { addSettings, addTailnets } from "./admin-tailnets.ts";
import { addUsers } from "./admin-users.ts";
import { addWebhooks } from "./admin-webhooks.ts";
import { jsonVersion } from "./flags.ts";
import type { Place } from "./place.ts";

export function addAdmin(program: Command, { terminal }: Place): void {
  const admin = program
    .command("admin")
    .description(
      "tailnets, people, keys and tokens, devices, logins, settings, the policy, shares, webhooks, and how the lock stands",
    )
    .option("--url <url>", "the control plane; $TAILWARD_URL, or the one of `npm start`, if not given")
    .option(
      "--token <file>",
      "file:PATH of a token, yours or the operator's; $TAILWARD_TOKEN, or the one of `npm start`, if not given",
    )
    .option("--tailnet <name>", "name or ID; - is the only one there is", "-")
    .option("--json [version]", "print JSON, for scripts", jsonVersion);
  const place = new AdminPlace(terminal, admin);
  addTailnets(admin, place);
  addKeys(admin, place);
  addDevices(admin, place);
  addLogins(admin, place);
  addSettings(admin, place);
  addPolicy(admin, place);
  addLockOfTailnet(admin, place);
  addRebuild(admin, place);
  addDeadLetters(admin, place);
  addShares(admin, place);
  addSignInLink(admin, place);
  addSupport(admin, place);
  addUsers(admin, place);
  addTokens(admin, place);
  addClients(admin, place);
  addWebhooks(admin, place);
  addAuditLog(admin, place);
}
