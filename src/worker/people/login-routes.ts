/**
 * The pages that a waiting node leads to: its `AuthURL`, and `/admin`, which Tailscale's clients name where a device waits for approval. A person who has
 * signed in takes the node in as their own; nobody else is shown anything of it.
 *
 * Rule [H37]: a node is let in by a page only by a user of the tailnet, as their own device, in answer to a form that showed them the node, its key and
 *            its tags. It has what they may give: tags that they own, and past device approval only where they may approve devices.
 */

import { Hono, type Context } from "hono";
import type { LoginInfo } from "../../durable/index.ts";
import { isTailnetId } from "../../protocol/index.ts";
import type { AppTypes } from "../app-types.ts";
import { APPROVAL, NO_LOGIN, notLetIn, settledPage, strangerPage, waitingPage } from "./login-pages.ts";
import { authorityOf, loginsOf } from "../objects.ts";
import { showPage } from "./page.ts";
import { personSession, userIn, usersOf } from "./person.ts";
import { formFields } from "./form-fields.ts";
import { isFromOurPage } from "./public-origin.ts";
import { placeFor } from "./sign-in-routes.ts";

export const LOGIN_PATH = "/login";
const LOGIN_ID = /^[0-9A-Za-z]{24}$/;

type PageContext = Context<AppTypes>;

/** The login that an attacker-controlled URL names, or null. Only its path counts: whatever host it names, it is ours that is asked. */
export function loginIdOf(url: string): string | null {
  const path = URL.canParse(url) ? new URL(url).pathname : "";
  const id = path.startsWith(`${LOGIN_PATH}/`) ? path.slice(LOGIN_PATH.length + 1) : "";
  return LOGIN_ID.test(id) ? id : null;
}

async function loginOf(c: PageContext): Promise<LoginInfo | null> {
  const id = c.req.param("id") ?? "";
  return LOGIN_ID.test(id) ? loginsOf(c.env).login(id) : null;
}

async function showLogin(c: PageContext): Promise<Response> {
  const login = await loginOf(c);
  if (login === null) return showPage(c, NO_LOGIN);
  if (login.state !== "waiting") return showPage(c, settledPage(login));
  const session = await personSession(c);
  const users = session === null ? [] : await usersOf(c.env, session.proof);
  if (session === null || users.length === 0)
    return showPage(c, strangerPage(login, placeFor(c, `${LOGIN_PATH}/${login.id}`)));
  return showPage(c, waitingPage(login, users, session.proof.login));
}

/** Takes the node in as the person's own; the authority decides. Null for done, or why not. */
async function takeIn(c: PageContext, login: LoginInfo): Promise<string | null> {
  if (!isFromOurPage(c)) return "this request does not come from a page of this control plane";
  const session = await personSession(c);
  if (session === null) return "your session is over: sign in again";
  const { tailnet = "" } = await formFields(c);
  const user = typeof tailnet === "string" && isTailnetId(tailnet) ? await userIn(c.env, session.proof, tailnet) : null;
  if (user === null) return "you are no user of that tailnet";
  const outcome = await authorityOf(c.env, user.tailnet).takeInAs(session.proof, login, c.var.request);
  if (!outcome.ok) return outcome.error.message;
  await loginsOf(c.env).settleLogin(login.id, "approved", user.tailnet);
  return null;
}

async function settleLogin(c: PageContext): Promise<Response> {
  const login = await loginOf(c);
  if (login === null) return showPage(c, NO_LOGIN);
  const refusal = login.state === "waiting" ? await takeIn(c, login) : null;
  return refusal === null ? c.redirect(`${LOGIN_PATH}/${login.id}`, 303) : showPage(c, notLetIn(refusal, login));
}

export const loginRoutes = new Hono<AppTypes>();
loginRoutes.get(`${LOGIN_PATH}/:id`, showLogin);
loginRoutes.post(`${LOGIN_PATH}/:id`, settleLogin);
loginRoutes.get("/admin", (c) => showPage(c, APPROVAL));
