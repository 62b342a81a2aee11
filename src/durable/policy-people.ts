/** The people of a tailnet as its policy knows them: until people sign in there is one, its owner, who may do all that any role may. */

import type { Person } from "../policy/index.ts";
import { ownerLogin } from "./owner-user.ts";

export function peopleOf(domain: string): readonly Person[] {
  return [{ login: ownerLogin(domain), roles: ["member", "owner", "admin"] }];
}
