/** What every answer to a registration says. Source: Go's `tailcfg.RegisterResponse`. */

import type { RegisterResponse } from "../../protocol/index.ts";
import type { NodeRecord } from "./nodes.ts";
import type { Tailnet } from "../authority/tailnet.ts";
import { selfUser } from "../people/user-profiles.ts";
import { profileOrGone } from "../people/users.ts";

/** The answer to a node, or to none, but for what `fields` say otherwise. */
export function registerAnswer(
  tailnet: Tailnet,
  node: Pick<NodeRecord, "id" | "tags" | "user"> | null,
  fields: Partial<RegisterResponse>,
): RegisterResponse {
  const { name } = tailnet.info();
  const isPersons = node === null || node.user !== null;
  const owner = isPersons ? profileOrGone(tailnet.users.byId(node?.user ?? ""), name) : null;
  const { ID, LoginName, DisplayName } = selfUser(node?.id ?? 0, owner, name);
  return {
    User: { ID, DisplayName },
    Login: { ID, Provider: "", LoginName, DisplayName },
    NodeKeyExpired: false,
    MachineAuthorized: true,
    AuthURL: "",
    NodeKeySignature: new Uint8Array(0),
    Error: "",
    ...fields,
  };
}
