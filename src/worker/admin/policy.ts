/**
 * The admin API for the policy file. Source: Tailscale's `/api/v2/tailnet/{tailnet}/acl`, as `tailscale-client-go-v2` uses it: human JSON where
 * that is asked for, JSON otherwise; `ETag` and `If-Match`; `validate`, which answers 200 and says what is wrong.
 */

import { z } from "zod";
import { failureText, type PolicyFile } from "../../durable/index.ts";
import {
  MAX_POLICY_CHARS,
  PolicyError,
  parseHuJson,
  plain,
  type Failure,
  type PreviewFor,
} from "../../policy/index.ts";
import { byOf, type AdminContext, type AdminRoute, type Media } from "./route.ts";
import { shapeQuery } from "./shapes.ts";
import { STATUS_OF, refuse } from "../http-errors.ts";
import { authorityOf } from "../objects.ts";

const MOST_PORT = 65_535;
const HUJSON = "application/hujson";
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/** The file in the form that was asked for. */
function answerFile(c: AdminContext, { text, etag }: PolicyFile): Response {
  const isRaw = (c.req.header("accept") ?? "").includes(HUJSON);
  const body = isRaw ? text : JSON.stringify(plain(parseHuJson(text)), null, 2);
  return c.body(body, 200, { "content-type": isRaw ? HUJSON : "application/json", etag: `"${etag}"` });
}

/** The file that was sent, in either form, or the refusal. Attacker-controlled. */
async function sentFile(c: AdminContext): Promise<string | Response> {
  try {
    const text = utf8.decode(await c.req.arrayBuffer());
    if (text === "") return refuse(c, { code: "bad_policy", message: "a policy file is to be sent" });
    if (text.length <= MAX_POLICY_CHARS) return text;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return refuse(c, { code: "bad_policy", message: "a policy file is text in UTF-8" });
  }
  return refuse(c, { code: "bad_policy", message: `a policy file has at most ${MAX_POLICY_CHARS} characters` });
}

/** The ETag that is to be replaced, without its quotes; null for whichever. */
function wantedTag(c: AdminContext): string | null {
  const header = c.req.header("if-match") ?? "";
  return header === "" || header === "*" ? null : header.replace(/^"(.*)"$/, "$1");
}

async function getPolicy(c: AdminContext): Promise<Response> {
  const outcome = await authorityOf(c.env, c.var.tailnet).policyFile();
  return outcome.ok ? answerFile(c, outcome.value) : refuse(c, outcome.error);
}

async function setPolicy(c: AdminContext): Promise<Response> {
  const text = await sentFile(c);
  if (text instanceof Response) return text;
  const authority = authorityOf(c.env, c.var.tailnet);
  const outcome = await authority.setPolicyFile(byOf(c), text, wantedTag(c));
  if (outcome.ok) return answerFile(c, outcome.value);
  if (outcome.error.code !== "policy_tests_failed") return refuse(c, outcome.error);
  // As `validate` lists them, for what writes them beside the lines of the file.
  const found = await authority.checkPolicyFile(text);
  c.set("refusal", outcome.error);
  return c.json({ ...outcome.error, data: found.ok ? dataOf(found.value) : [] }, STATUS_OF.policy_tests_failed);
}

/** Tests that failed, as Tailscale lists them. */
function dataOf(failures: readonly Failure[]): { user: string; errors: string[] }[] {
  return failures.map((failure) => ({ user: failure.source, errors: [failureText(failure)] }));
}

/** A list of tests is of the policy in force: that, with these tests in the place of its own. Any other text is itself. Attacker-controlled. */
async function checkedText(c: AdminContext, text: string): Promise<string> {
  if (!text.trimStart().startsWith("[")) return text;
  const outcome = await authorityOf(c.env, c.var.tailnet).policyFile();
  if (!outcome.ok) return text;
  try {
    const inForce = plain(parseHuJson(outcome.value.text)) as object;
    return JSON.stringify({ ...inForce, tests: plain(parseHuJson(text)) }).slice(0, MAX_POLICY_CHARS + 1);
  } catch (error) {
    if (error instanceof PolicyError) return text;
    throw error;
  }
}

async function validatePolicy(c: AdminContext): Promise<Response> {
  const sent = await sentFile(c);
  if (sent instanceof Response) return sent;
  const text = await checkedText(c, sent);
  const outcome = await authorityOf(c.env, c.var.tailnet).checkPolicyFile(text);
  if (!outcome.ok) {
    const { code, message } = outcome.error;
    return code === "bad_policy" ? c.json({ message }) : refuse(c, outcome.error);
  }
  if (outcome.value.length === 0) return c.json({});
  return c.json({ message: "test(s) failed", data: dataOf(outcome.value) });
}

const previewQuery = z.object({
  type: z.enum(["user", "ipport"]),
  previewFor: z.string().min(1).max(300).meta({ description: "a login name, or an address with a port" }),
});
const preview = z
  .object({
    matches: z.array(z.object({ users: z.array(z.string()), ports: z.array(z.string()), lineNumber: z.int() })),
    type: z.enum(["user", "ipport"]),
    previewFor: z.string(),
  })
  .meta({ id: "PolicyPreview" });

/** Whom it is for: attacker-controlled. Null for what is no address with a port. */
function previewedFor({ type, previewFor }: z.output<typeof previewQuery>): PreviewFor | null {
  if (type === "user") return { kind: "user", login: previewFor };
  const [, address, port] = /^\[?([0-9a-fA-F:.]{2,45}?)\]?:(\d{1,5})$/.exec(previewFor) ?? [];
  return address === undefined || Number(port) > MOST_PORT ? null : { kind: "address", address, port: Number(port) };
}

async function previewPolicyFile(c: AdminContext): Promise<Response> {
  const query = shapeQuery(c, previewQuery);
  if (query instanceof Response) return query;
  const wanted = previewedFor(query);
  if (wanted === null)
    return refuse(c, { code: "malformed_request", message: "previewFor: an address with a port expected" });
  const text = await sentFile(c);
  if (text instanceof Response) return text;
  const outcome = await authorityOf(c.env, c.var.tailnet).previewPolicyFile(text, wanted);
  if (!outcome.ok) return refuse(c, outcome.error);
  const matches = outcome.value.map(({ users, ports, line }) => ({
    users: [...users],
    ports: [...ports],
    lineNumber: line,
  }));
  return c.json({ matches, ...query } satisfies z.input<typeof preview>);
}

const ACL = "/api/v2/tailnet/:tailnet/acl";
/** Human JSON where that is asked for; JSON otherwise. */
const policyFile: Media = {
  media: { "application/json": z.record(z.string(), z.unknown()), [HUJSON]: z.string() },
};
/** To be looked at, whatever it is. */
const anyFile: Media = { media: { "application/json": z.unknown(), [HUJSON]: z.string() } };
const verdict = z
  .object({
    message: z.string().optional(),
    data: z.array(z.object({ user: z.string(), errors: z.array(z.string()) })).optional(),
  })
  .meta({ id: "PolicyVerdict", description: "empty for a good file" });

export const POLICY_ROUTES: readonly AdminRoute[] = [
  {
    method: "GET",
    path: ACL,
    act: "policy.read",
    summary: "The policy file; its ETag is for If-Match",
    query: null,
    body: null,
    answer: policyFile,
    handle: getPolicy,
  },
  {
    method: "POST",
    path: ACL,
    act: "policy.set",
    summary: "Puts a policy file in force, once its own tests pass",
    statuses: [412],
    query: null,
    body: policyFile,
    answer: policyFile,
    handle: setPolicy,
  },
  {
    method: "POST",
    path: `${ACL}/validate`,
    act: "policy.check",
    summary: "Says what is wrong with a policy file, and changes nothing",
    query: null,
    body: anyFile,
    answer: verdict,
    handle: validatePolicy,
  },
  {
    method: "POST",
    path: `${ACL}/preview`,
    act: "policy.check",
    summary: "Which rules of a policy file are about somebody, or an address and a port; changes nothing",
    query: previewQuery,
    body: policyFile,
    answer: preview,
    handle: previewPolicyFile,
  },
];
