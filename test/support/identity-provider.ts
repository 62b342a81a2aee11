/**
 * A real OpenID provider, on this machine, for tests of signing in. It takes any login. A login is `address`, or `subject/address` for an account with another
 * subject; the address `none` is no address, one that begins with `unverified` it has not verified, and of one that begins with `unsaid` it does not say.
 */

import { generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import Provider from "oidc-provider";
import { CLIENT_ID, CLIENT_SECRET } from "./identity-client.ts";

interface Claims {
  readonly sub: string;
  readonly email?: string;
  readonly email_verified?: boolean;
}

function claimsOf(login: string): Claims {
  const email = login.slice(login.indexOf("/") + 1);
  if (email === "none") return { sub: login };
  const verified = email.startsWith("unsaid") ? {} : { email_verified: !email.startsWith("unverified") };
  return { sub: login, email, ...verified };
}

function configurationFor(redirect: string) {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const key = { ...privateKey.export({ format: "jwk" }), alg: "RS256", use: "sig", kid: "only" };
  return {
    clients: [{ client_id: CLIENT_ID, client_secret: CLIENT_SECRET, redirect_uris: [redirect] }],
    claims: { email: ["email", "email_verified"], openid: ["sub"], profile: [] },
    jwks: { keys: [key] },
    ttl: { Interaction: 600, Session: 600, Grant: 600, AccessToken: 3600, IdToken: 3600, AuthorizationCode: 60 },
    cookies: { keys: [randomBytes(32).toString("hex")] },
    findAccount: (_: unknown, accountId: string) => ({ accountId, claims: () => claimsOf(accountId) }),
  };
}

export class IdentityProvider {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Starts one that sends browsers back to `redirect`. `issuer`: what it calls itself, where that is not its own address; `port`: 0 for any. */
  static async start(redirect: string, issuer?: string, port = 0): Promise<IdentityProvider> {
    const server = createServer();
    server.listen(port, "127.0.0.1");
    // It keeps no process alive.
    server.unref();
    await once(server, "listening");
    const started = new IdentityProvider(server);
    // It says on the console that its pages are for development only.
    const { warn } = console;
    console.warn = () => undefined;
    const provider = new Provider(issuer ?? started.url, configurationFor(redirect));
    console.warn = warn;
    // What it is asked as whom stands in X-Forwarded-… where somebody passes requests on.
    provider.proxy = issuer !== undefined;
    server.on("request", provider.callback());
    return started;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
