/**
 * `/machine/register`: finds the tailnet that a registration is for, lets its authority decide, and where somebody has to log the node in, opens a
 * login and says where. Every value here is attacker-controlled; the authority checks what it needs again.
 */

import type { Context } from "hono";
import { isLogout, isNative, type LoginInfo } from "../../durable/index.ts";
import {
  LEAST_CAPABILITY_VERSION,
  LOGIN_HOLD_MS,
  NATIVE_LOGIN_HOLD_MS,
  parseAuthKey,
  registerRequest,
  registerResponse,
  type Outcome,
  type Refusal,
  type RegisterRequest,
  type RegisterResponse,
} from "../../protocol/index.ts";
import type { AppTypes } from "../app-types.ts";
import { readBody } from "../body.ts";
import { answer, refuse } from "../http-errors.ts";
import { LOGIN_PATH, loginIdOf } from "../people/login-routes.ts";
import { authorityOf, directoryOf, loginsOf } from "../objects.ts";

type NodeContext = Context<AppTypes>;

/** The answer of no tailnet: nobody is in yet. */
function answerWith(c: NodeContext, fields: Partial<RegisterResponse>): Response {
  const nobody = registerResponse({}, "answer");
  return answer(c, { ok: true, value: { ...nobody, ...fields } });
}

/** Where a person reaches the page: under the address that an admin has set, or else the one under which the node reaches us. */
function urlOf(c: NodeContext, { id }: LoginInfo): string {
  const { PUBLIC_URL = "" } = c.env;
  return new URL(`${LOGIN_PATH}/${id}`, URL.canParse(PUBLIC_URL) ? PUBLIC_URL : c.req.url).href;
}

/** The login that the request follows up, once it is settled or has waited long enough; null where it follows up none of its own. */
async function followed(c: NodeContext, { Followup, NodeKey }: RegisterRequest): Promise<LoginInfo | null> {
  const id = loginIdOf(Followup);
  const login = id === null ? null : await loginsOf(c.env).login(id);
  const isOwn = login?.machineKey === c.var.caller.machineKey && login.nodeKey === NodeKey;
  const holdMs = isNative(c.var.caller) ? NATIVE_LOGIN_HOLD_MS : LOGIN_HOLD_MS;
  return isOwn ? loginsOf(c.env).awaitLogin(login.id, holdMs) : null;
}

/** The tailnet that the machine is in by one of these node keys, or null. */
async function routeOf(c: NodeContext, { NodeKey, OldNodeKey }: RegisterRequest): Promise<string | null> {
  const { machineKey } = c.var.caller;
  const directory = directoryOf(c.env, machineKey);
  for (const nodeKey of OldNodeKey === null ? [NodeKey] : [NodeKey, OldNodeKey]) {
    const tailnet = await directory.find(machineKey, nodeKey);
    if (tailnet !== null) return tailnet;
  }
  return null;
}

/** Refusals of a tailnet that is not the one that is meant. */
const ELSEWHERE: ReadonlySet<string> = new Set(["unknown_tailnet", "bad_auth_key"]);

/**
 * Asks the tailnets that may be meant, one after the other: the one that an approved login names; the one that the machine is in; the one of the auth
 * key, for a machine that is no longer where it was. Null where there is none to ask.
 */
async function ask(
  c: NodeContext,
  request: RegisterRequest,
  login: LoginInfo | null,
): Promise<{ tailnet: string; outcome: Outcome<RegisterResponse | null> } | null> {
  const named = login?.state === "approved" ? login.tailnet : await routeOf(c, request);
  const ofKey = parseAuthKey(request.Auth?.AuthKey ?? "")?.tailnet ?? null;
  let asked = null;
  for (const tailnet of new Set([named, ofKey])) {
    if (tailnet === null) continue;
    const outcome = await authorityOf(c.env, tailnet).register(c.var.caller, request);
    asked = { tailnet, outcome };
    if (outcome.ok || !ELSEWHERE.has(outcome.error.code)) break;
  }
  return asked;
}

/** Sends the node to where an admin can let it in. */
async function openLogin(c: NodeContext, request: RegisterRequest, tailnet: string | null): Promise<Response> {
  const { machineKey } = c.var.caller;
  const { Hostname: hostname = "", OS: os = "", RequestTags: tags = [] } = request.Hostinfo ?? {};
  const login = { machineKey, nodeKey: request.NodeKey, hostname, os, tags, tailnet };
  const opened = await loginsOf(c.env).openLogin(login);
  return opened.ok ? answerWith(c, { AuthURL: urlOf(c, opened.value) }) : refuse(c, opened.error);
}

const TOO_OLD: Refusal = {
  code: "client_too_old",
  message: "this Tailscale client is too old for this control plane: update it to v1.68.0 or later",
};

/** True where there was no tailnet to ask, or there is none any more. */
function isNowhere(outcome: Outcome<unknown> | undefined): boolean {
  return outcome === undefined || (!outcome.ok && outcome.error.code === "unknown_tailnet");
}

/** The route is written before the registration is answered: the node's next request finds its tailnet. */
export async function handleRegister(c: NodeContext): Promise<Response> {
  const request = await readBody(c, registerRequest);
  if (request instanceof Response) return request;
  if (isNative(c.var.caller) && request.Version < LEAST_CAPABILITY_VERSION) return refuse(c, TOO_OLD);
  const login = await followed(c, request);
  if (login?.state === "waiting") return answerWith(c, { AuthURL: urlOf(c, login) });
  if (login?.state === "denied") return answerWith(c, { Error: "an admin did not let this node in" });
  const asked = await ask(c, request, login);
  // Who is in no tailnet any more is logged out.
  if (isLogout(request, Date.now()) && isNowhere(asked?.outcome)) return answerWith(c, { NodeKeyExpired: true });
  if (asked === null) return withoutTailnet(c, request);
  const { tailnet, outcome } = asked;
  if (!outcome.ok && outcome.error.code === "unknown_tailnet" && !request.Auth?.AuthKey)
    return openLogin(c, request, null);
  if (!outcome.ok) return answer(c, outcome);
  if (outcome.value === null) return openLogin(c, request, tailnet);
  const { machineKey } = c.var.caller;
  await directoryOf(c.env, machineKey).route(machineKey, request.NodeKey, tailnet);
  return answer(c, outcome);
}

/** A node that names no tailnet that there is: without an auth key it waits for an admin. */
async function withoutTailnet(c: NodeContext, request: RegisterRequest): Promise<Response> {
  if (!request.Auth?.AuthKey) return openLogin(c, request, null);
  return refuse(c, {
    code: "bad_auth_key",
    message: "this is not an auth key of this control plane: ask an admin of the tailnet for one",
  });
}
