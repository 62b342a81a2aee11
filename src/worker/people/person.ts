/**
 * The person behind a request, and what they are in a tailnet.
 *
 * Rule [H32]: a session says who somebody is; that they are a user of a tailnet, and with which role, its object says anew for each request.
 */

import type { Context } from "hono";
import type { PersonSession, SignedInUser, SignInProof } from "../../durable/index.ts";
import { tailnetOfId } from "../../protocol/index.ts";
import type { AppTypes } from "../app-types.ts";
import type { WorkerEnv } from "../env.ts";
import { peopleOf } from "./memberships.ts";
import { authorityOf, peopleBucketOf } from "../objects.ts";
import { sessionSecret } from "./person-cookie.ts";

/** The session that the request brings along, or null. */
export async function personSession(c: Context<AppTypes>): Promise<PersonSession | null> {
  const secret = sessionSecret(c);
  return secret === null ? null : peopleBucketOf(c.env, secret.bucket).session(secret.hash);
}

/** IDs of the tailnets where the person may be a user. */
async function candidates(env: WorkerEnv, proof: SignInProof): Promise<readonly string[]> {
  if (proof.kind === "oidc") return peopleOf(env, proof.login).tailnetsOf(proof.login);
  const tailnet = tailnetOfId("user", proof.user);
  return tailnet === null ? [] : [tailnet];
}

/** What the person is in that tailnet; null for none of its users, and for one who may not act. */
export async function userIn(env: WorkerEnv, proof: SignInProof, tailnet: string): Promise<SignedInUser | null> {
  const outcome = await authorityOf(env, tailnet).person(proof);
  return outcome.ok ? outcome.value : null;
}

/** What the person is in each tailnet. */
export async function usersOf(env: WorkerEnv, proof: SignInProof): Promise<SignedInUser[]> {
  const users = await Promise.all((await candidates(env, proof)).map((tailnet) => userIn(env, proof, tailnet)));
  return users.filter((user) => user !== null);
}

/** What came of signing in. */
export interface SignedIn {
  readonly users: readonly SignedInUser[];
  /** Why a tailnet did not take the person, where one said so. */
  readonly why: string | null;
}

/**
 * Signs the person in to each tailnet that has them as a user; those that do not are passed over, and so is `except`. `group` is the request's ID.
 */
export async function signInEverywhere(
  env: WorkerEnv,
  proof: SignInProof,
  group: string,
  except: string | null = null,
): Promise<SignedIn> {
  const tailnets = (await candidates(env, proof)).filter((tailnet) => tailnet !== except);
  const outcomes = await Promise.all(tailnets.map((tailnet) => authorityOf(env, tailnet).signIn(proof, group)));
  return {
    users: outcomes.flatMap((outcome) => (outcome.ok ? [outcome.value] : [])),
    why: outcomes.map((outcome) => (outcome.ok ? null : outcome.error.message)).find((each) => each !== null) ?? null,
  };
}
