/** How a person has proven who they are: kept with a session, and held against the tailnet's users whenever that acts. */

import { loginName } from "../../protocol/index.ts";
import { sha256 } from "../sha256.ts";

export type SignInProof =
  /** By an OpenID provider, which has verified the e-mail address. */
  | {
      readonly kind: "oidc";
      readonly login: string;
      /** The provider. */
      readonly issuer: string;
      /** Whom it means: unlike the address, it is never given to another. */
      readonly subject: string;
    }
  /** By a one-time link, made by the operator for one user of one tailnet. */
  | {
      readonly kind: "link";
      readonly login: string;
      /** The user's ID, which carries the tailnet's. */
      readonly user: string;
    };

export type OidcProof = Extract<SignInProof, { kind: "oidc" }>;

/** Never changed once in use: a bucket's name is where its people are. */
const BUCKETS = 64;

/** The number of the bucket that holds the sessions and memberships of whoever has that login. */
export function peopleBucketNumber(login: string): number {
  return (sha256(loginName(login))[0] ?? 0) % BUCKETS;
}

export function isPeopleBucket(number: number): boolean {
  return Number.isInteger(number) && number >= 0 && number < BUCKETS;
}

/** The name of the bucket with that number. */
export function peopleBucket(number: number): string {
  return `people-${number}`;
}
