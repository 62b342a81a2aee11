/**
 * The admin API for people, with Tailscale's names: `/api/v2/tailnet/{tailnet}/users` and `/api/v2/users/{userId}`. Ours is to add one by login name, who is
 * approved thereby; invites are in user-invites.ts.
 */

import { z } from "zod";
import type { UserChange, UserInfo } from "../../durable/index.ts";
import { ROLES, timeJson, type Outcome } from "../../protocol/index.ts";
import { nothing, noValue, tailnetRoute, time, type AdminRoute, type TailnetCall } from "./route.ts";
import { orNull, orZero } from "./shapes.ts";
import { enrol, withdraw } from "../people/memberships.ts";

const role = z.enum(ROLES);

const user = z
  .object({
    id: z.string(),
    displayName: z.string(),
    loginName: z.string(),
    profilePicUrl: z.string(),
    tailnetId: z.string(),
    created: time,
    type: z.enum(["member", "shared"]),
    role,
    status: z.enum(["active", "suspended", "needs-approval"]),
    deviceCount: z.int(),
    lastSeen: time,
    currentlyConnected: z.boolean(),
  })
  .meta({ id: "User" });

/** Tailscale's further words, `idle` and `over-billing-limit`, never come. */
function statusOf({ suspended, waiting }: UserInfo): "active" | "suspended" | "needs-approval" {
  if (suspended !== null) return "suspended";
  return waiting === null ? "active" : "needs-approval";
}

function userJson(info: UserInfo, { tailnet }: { readonly tailnet: string }): z.input<typeof user> {
  return {
    id: info.id,
    displayName: info.displayName,
    loginName: info.login,
    profilePicUrl: "",
    tailnetId: tailnet,
    created: timeJson(info.created),
    type: "member",
    role: info.role,
    status: statusOf(info),
    deviceCount: info.devices,
    lastSeen: timeJson(info.lastSeen),
    currentlyConnected: info.connected,
  };
}

/** As Tailscale's: `all`, or nothing, is whichever. People of other tailnets, whom Tailscale calls shared, are none of ours. */
const listQuery = z.object({
  type: orNull(z.enum(["member", "shared", "all"])),
  role: orNull(z.enum([...ROLES, "all"])),
});

type Listed = z.output<typeof listQuery>;

function isListed({ role: is }: UserInfo, { type, role: wanted }: Listed): boolean {
  return type !== "shared" && (wanted === null || wanted === "all" || wanted === is);
}

const createBody = z.object({ loginName: z.string().meta({ format: "email" }), role: orZero(role, "member") });
const roleBody = z.object({ role });

const USERS = "/api/v2/tailnet/:tailnet/users";
const USER = "/api/v2/users/:userId";

/** Adds the person, then notes where to look for them once they sign in. */
async function add(
  { authority, by, env, tailnet }: TailnetCall<unknown, unknown>,
  { loginName: login, role: wanted }: z.output<typeof createBody>,
): Promise<Outcome<UserInfo>> {
  const outcome = await authority.addUser(by, { login, role: wanted });
  if (outcome.ok) await enrol(env, outcome.value.login, tailnet);
  return outcome;
}

/** Removes the person. That they are looked for here costs nothing where it stays. */
async function remove({
  authority,
  by,
  env,
  param,
  tailnet,
}: TailnetCall<unknown, unknown>): Promise<Outcome<UserInfo | null>> {
  const known = await authority.user(param("userId"));
  const outcome = await authority.changeUser(by, param("userId"), { kind: "remove" });
  if (known.ok && outcome.ok) await withdraw(env, known.value.login, tailnet);
  return outcome;
}

/** A change of one person. The body of those that take none is passed over, as Tailscale's clients send `{}` or nothing. */
function change(name: string, summary: string, wanted: UserChange): AdminRoute {
  return tailnetRoute({
    method: "POST",
    path: `${USER}/${name}`,
    act: "user.change",
    summary,
    answer: nothing,
    call: (call: TailnetCall<unknown, unknown>) =>
      wanted.kind === "remove" ? remove(call) : call.authority.changeUser(call.by, call.param("userId"), wanted),
    format: noValue,
  });
}

export const USER_ROUTES: readonly AdminRoute[] = [
  tailnetRoute({
    method: "GET",
    path: USERS,
    act: "user.read",
    summary: "The people of a tailnet",
    query: listQuery,
    answer: z.object({ users: z.array(user) }),
    call: ({ authority }) => authority.users(),
    format: (infos, call) => ({
      users: infos.filter((info) => isListed(info, call.query)).map((info) => userJson(info, call)),
    }),
  }),
  tailnetRoute({
    method: "POST",
    path: USERS,
    act: "user.create",
    summary: "Adds a person by login name; the same again gives who is there",
    body: createBody,
    answer: user,
    call: (call) => add(call, call.body),
    format: userJson,
  }),
  tailnetRoute({
    method: "GET",
    path: USER,
    act: "user.read",
    summary: "A person",
    answer: user,
    call: ({ authority, param }) => authority.user(param("userId")),
    format: userJson,
  }),
  tailnetRoute({
    method: "POST",
    path: `${USER}/role`,
    act: "user.change",
    summary: "Gives a person another role",
    body: roleBody,
    answer: nothing,
    call: ({ authority, by, body, param }) =>
      authority.changeUser(by, param("userId"), { kind: "role", role: body.role }),
    format: noValue,
  }),
  change("approve", "Approves a person who came by an invite where user approval is on", { kind: "approve" }),
  change("suspend", "Suspends a person, whose devices are logged out", { kind: "suspend" }),
  change("restore", "Restores a person who was suspended", { kind: "restore" }),
  change("delete", "Removes a person, with their devices, API tokens and auth keys", { kind: "remove" }),
];
