/** Who asks: the operator, and then people of some roles and an OAuth client with few scopes, each by what was made for it. A member has nothing by a token: it asks by a session. */

import { coversScope, type Role, type Scope } from "../../src/protocol/index.ts";
import type { ControlPlane } from "../e2e/control-plane.ts";
import type { NamedOperation } from "./document.ts";

export interface Credential {
  readonly kind: "token" | "session";
  readonly text: string;
}

export interface Asker {
  readonly name: string;
  /** Makes what it asks by: a bearer's token, or the cookie of a session; null for the operator, whose token is there. */
  readonly credential: ((control: ControlPlane, tailnet: string) => Promise<Credential>) | null;
  /** True where the document says that it may. */
  readonly may: (operation: NamedOperation) => boolean;
  /** What schemathesis is told beside what all are asked with. */
  readonly flags: readonly string[];
}

/** Random requests alone, and few: what is in the way of these askers stands before what reads a body. */
const BRIEFLY = ["--phases", "fuzzing", "--max-examples", "2"];
const SCOPES: readonly Scope[] = ["devices:core:read", "dns", "webhooks"];

async function userOf(control: ControlPlane, at: string, role: Role): Promise<{ id: string; login: string }> {
  const login = `${role}@asks.test`;
  const { id } = await control.call<{ id: string }>("POST", `${at}/users`, { loginName: login, role });
  return { id, login };
}

async function tokenOf(control: ControlPlane, tailnet: string, role: Role): Promise<Credential> {
  const at = `/api/v2/tailnet/${tailnet}`;
  const { id } = await userOf(control, at, role);
  const { key } = await control.call<{ key: string }>("POST", `${at}/keys`, { keyType: "api", userId: id });
  return { kind: "token", text: key };
}

async function sessionOf(control: ControlPlane, tailnet: string, role: Role): Promise<Credential> {
  const at = `/api/v2/tailnet/${tailnet}`;
  const { login } = await userOf(control, at, role);
  const { url } = await control.call<{ url: string }>("POST", `${at}/sign-in-links`, { login });
  const { origin } = new URL(control.url);
  const answer = await fetch(new URL("/sign-in/link", control.url), {
    method: "POST",
    headers: { origin, "content-type": "application/json" },
    body: JSON.stringify({ secret: url.split("#")[1] }),
  });
  return { kind: "session", text: (answer.headers.get("set-cookie") ?? "").split(";")[0] ?? "" };
}

async function accessToken(control: ControlPlane, tailnet: string): Promise<Credential> {
  const body = { keyType: "client", scopes: SCOPES };
  const { key } = await control.call<{ key: string }>("POST", `/api/v2/tailnet/${tailnet}/keys`, body);
  const form = new URLSearchParams({ client_secret: key });
  const answer = await fetch(new URL("/api/v2/oauth/token", control.url), { method: "POST", body: form });
  return { kind: "token", text: ((await answer.json()) as { access_token: string }).access_token };
}

/** The rights of an operation, as its description says them: one or, where what is asked decides, some. */
function rightsOf({
  description,
}: NamedOperation): readonly { roles: readonly string[]; scope: string | null; personal: boolean }[] {
  const rights =
    /(?:the operator alone|the operator, ([a-z, -]+))\.(?: A credential's scope: `([a-z_:]+)`\.)?( An OAuth client may not\.)?/g;
  return Array.from(description.matchAll(rights), ([, roles = "", scope = null, personal]) => ({
    roles: roles.split(", "),
    scope,
    personal: personal !== undefined,
  }));
}

function person(role: Role, make: typeof tokenOf): Asker {
  return {
    name: role,
    credential: (control, tailnet) => make(control, tailnet, role),
    may: (operation) => rightsOf(operation).some(({ roles }) => roles.includes(role)),
    flags: BRIEFLY,
  };
}

const client: Asker = {
  name: "OAuth client",
  credential: accessToken,
  may: (operation) =>
    rightsOf(operation).some(
      ({ scope, personal }) => !personal && scope !== null && SCOPES.some((held) => coversScope(held, scope as Scope)),
    ),
  flags: BRIEFLY,
};

/** The operator asks first and most: what it ends is gone for the others. `examples`: cases an operation in the random part. */
export function askers(examples: string): readonly [operator: Asker, ...others: Asker[]] {
  const operator: Asker = { name: "operator", credential: null, may: () => true, flags: ["--max-examples", examples] };
  return [operator, person("network-admin", tokenOf), person("auditor", tokenOf), person("member", sessionOf), client];
}
