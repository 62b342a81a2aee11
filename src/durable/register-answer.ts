/** What every answer to a registration says. Source: Go's `tailcfg.RegisterResponse`. */

import type { RegisterResponse } from "../protocol/index.ts";
import { userOf } from "./owner-user.ts";
import type { Tailnet } from "./tailnet.ts";

/** The answer to a node with these tags, but for what `fields` say otherwise. */
export function registerAnswer(
  tailnet: Tailnet,
  tags: readonly string[],
  fields: Partial<RegisterResponse>,
): RegisterResponse {
  const { ID, LoginName, DisplayName } = userOf(tags, tailnet.info().name);
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
