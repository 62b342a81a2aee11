/** What every answer to a registration says. Source: Go's `tailcfg.RegisterResponse`. */

import type { RegisterResponse } from "../protocol/index.ts";
import type { NodeRecord } from "./nodes.ts";
import { selfUser } from "./owner-user.ts";
import type { Tailnet } from "./tailnet.ts";

/** The answer to a node, or to none, but for what `fields` say otherwise. */
export function registerAnswer(
  tailnet: Tailnet,
  node: Pick<NodeRecord, "id" | "tags"> | null,
  fields: Partial<RegisterResponse>,
): RegisterResponse {
  const { ID, LoginName, DisplayName } = selfUser(node?.id ?? 0, node?.tags ?? [], tailnet.info().name);
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
