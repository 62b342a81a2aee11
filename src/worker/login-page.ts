/**
 * The pages that a waiting node leads to: its `AuthURL`, and `/admin`, which Tailscale's clients name where a device waits for approval. They say who
 * lets the node in, and how. Plain text; they show nothing of the node.
 */

import { Hono } from "hono";
import type { AppTypes } from "./app-types.ts";
import { loginsOf } from "./objects.ts";

export const LOGIN_PATH = "/login";
const LOGIN_ID = /^[0-9A-Za-z]{24}$/;

/** The login that an attacker-controlled URL names, or null. Only its path counts: whatever host it names, it is ours that is asked. */
export function loginIdOf(url: string): string | null {
  const path = URL.canParse(url) ? new URL(url).pathname : "";
  const id = path.startsWith(`${LOGIN_PATH}/`) ? path.slice(LOGIN_PATH.length + 1) : "";
  return LOGIN_ID.test(id) ? id : null;
}

function textOf(id: string): string {
  return [
    "A node waits here to be let into a tailnet.",
    "",
    "An admin of the tailnet looks at who waits, and compares the node key with what the node itself shows:",
    "  tailward admin login list",
    "and then lets it in, or does not:",
    `  tailward admin login approve ${id} <tailnet>`,
    `  tailward admin login deny ${id} <tailnet>`,
    "",
    "The node comes in by itself once it was approved.",
    "",
  ].join("\n");
}

const APPROVAL = [
  "A device that has joined and waits for approval is let in by an admin of its tailnet:",
  "  tailward admin device list",
  "  tailward admin device authorize <device>",
  "",
].join("\n");

export const loginPage = new Hono<AppTypes>();
loginPage.get(`${LOGIN_PATH}/:id`, async (c) => {
  const id = c.req.param("id");
  const login = LOGIN_ID.test(id) ? await loginsOf(c.env).login(id) : null;
  c.header("cache-control", "no-store");
  if (login === null)
    return c.text("No node waits here any more. If it still wants in, it shows a new address.\n", 404);
  if (login.state === "waiting") return c.text(textOf(id));
  return c.text(login.state === "approved" ? "The node was let in.\n" : "The node was not let in.\n");
});
loginPage.get("/admin", (c) => c.text(APPROVAL));
