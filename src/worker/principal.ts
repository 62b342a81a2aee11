/** Who asks the admin API, once proven: the operator, a person of a tailnet, or an OAuth client of one. */

import type { Actor } from "../durable/index.ts";
import type { Role, Scope } from "../protocol/index.ts";

export type Principal =
  /** Whoever has the deployment's token: all, in every tailnet. */
  | { readonly kind: "operator" }
  | {
      readonly kind: "user";
      readonly tailnet: string;
      readonly user: { readonly id: string; readonly login: string; readonly name: string; readonly role: Role };
      /** What the credential covers; null in a session, where all is that the role may. */
      readonly scopes: readonly Scope[] | null;
      /** The ID of the API token; null in a session. */
      readonly credential: string | null;
    }
  | {
      readonly kind: "client";
      readonly tailnet: string;
      readonly id: string;
      readonly name: string;
      readonly scopes: readonly Scope[];
      readonly tags: readonly string[];
    };

/** The tailnet that the principal is of; null for the operator, who is of all. */
export function tailnetOfPrincipal(principal: Principal): string | null {
  return principal.kind === "operator" ? null : principal.tailnet;
}

/** As whom the record names it. */
export function actorOf(principal: Principal): Actor {
  switch (principal.kind) {
    case "operator":
      return { type: "OPERATOR", id: "operator", name: "Operator" };
    case "user": {
      const { user, credential } = principal;
      const through = credential === null ? {} : { credential };
      return { type: "USER", id: user.id, name: user.name, login: user.login, ...through };
    }
    case "client":
      return { type: "OAUTH_CLIENT", id: principal.id, name: principal.name, tags: principal.tags };
  }
}
