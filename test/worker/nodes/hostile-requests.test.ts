/** Requests that are not what they say: forged, altered, late, replayed, too large [Q1][Q2][Q3]. */

import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { bucketOf } from "../../../src/durable/index.ts";
import {
  CLOCK_SKEW_S,
  MAX_BODY_BYTES,
  MAX_LIFETIME_S,
  MAP_PATH,
  REGISTER_PATH,
  SIGNATURE_LIFETIME_S,
  TKA_PATHS,
  contentDigest,
  encodeBase64,
  jsonReplacer,
} from "../../../src/protocol/index.ts";
import { encodeHex } from "../../../src/tka/index.ts";
import { later } from "../../support/workerd/clock.ts";
import { join, makeTailnet } from "../../support/workerd/control.ts";
import { hostileTable, type Hostile } from "../../support/workerd/hostile.ts";
import { unlockedScene, type Scene } from "../../support/workerd/locked.ts";
import { refused } from "../../support/workerd/refused.ts";
import { ORIGIN, randomBytes, signedRequest, type Tampering } from "../../support/workerd/signed-request.ts";
import { TestNode, fetchWorker, type Answer } from "../../support/workerd/test-node.ts";

/** Seconds that a test may take between two requests of it. */
const BUSY_S = 15;

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A request of carol's that would be stored if it were taken: her host has a new name. */
function renaming({ carol }: Scene, hostname = "renamed"): Uint8Array {
  return utf8(JSON.stringify({ NodeKey: carol.nodeKey, Hostinfo: { Hostname: hostname } }, jsonReplacer));
}

const tampered = (tampering: (scene: Scene) => Tampering) => ({
  attempt: (scene: Scene): Promise<Answer> => scene.carol.send(REGISTER_PATH, renaming(scene), tampering(scene)),
});

const now = (): number => Math.floor(Date.now() / 1000);

function dropping(name: string): Tampering {
  return { headers: (headers) => headers.delete(name) };
}

/** The key ID of a point of small order: the neutral element, under which anybody's signature may verify. */
const NEUTRAL = `reqkey:01${"00".repeat(31)}`;
/** R the neutral element and S zero: a cofactorless verifier takes it for any message under that key. */
const FORGED_FOR_ALL = `tailward=:${encodeBase64(Uint8Array.of(1, ...new Uint8Array(63)))}:`;

const forgeries: readonly Hostile<Scene>[] = [
  { name: "a request without a signature", code: "unsigned_request", ...tampered(() => dropping("signature")) },
  { name: "a signature without its input", code: "forged_request", ...tampered(() => dropping("signature-input")) },
  { name: "a request without a digest", code: "forged_request", ...tampered(() => dropping("content-digest")) },
  {
    name: "another body than the signed one",
    code: "forged_request",
    ...tampered((scene) => ({ sentBody: renaming(scene, "other") })),
  },
  {
    name: "another body, with its own digest",
    code: "forged_request",
    ...tampered((scene) => ({
      sentBody: renaming(scene, "other"),
      headers: (headers) => headers.set("content-digest", contentDigest(renaming(scene, "other"))),
    })),
  },
  { name: "another path than the signed one", code: "forged_request", ...tampered(() => ({ sentPath: MAP_PATH })) },
  {
    name: "another host than the signed one",
    code: "forged_request",
    attempt: async (scene) => {
      const request = signedRequest(REGISTER_PATH, renaming(scene), scene.carol.requestKey);
      const url = `https://other.test${REGISTER_PATH}`;
      return fetchWorker(new Request(url, { method: "POST", headers: request.headers, body: await request.text() }));
    },
  },
  { name: "another key's signature", code: "forged_request", ...tampered(({ bob }) => ({ signer: bob.requestKey })) },
  ...["@method", "@authority", "@path", "content-digest"].map((missing): Hostile<Scene> => ({
    name: `a signature that does not cover ${missing}`,
    code: "forged_request",
    ...tampered(() => ({
      components: ["@method", "@authority", "@path", "content-digest"].filter((name) => name !== missing),
    })),
  })),
  ...["created", "expires", "nonce", "alg", "keyid", "tag"].map((missing): Hostile<Scene> => ({
    name: `a signature without ${missing}`,
    code: "forged_request",
    ...tampered(() => ({ parameters: { [missing]: undefined } })),
  })),
  {
    name: "a signature for another purpose",
    code: "forged_request",
    ...tampered(() => ({ parameters: { tag: "web" } })),
  },
  { name: "a signature under another label", code: "forged_request", ...tampered(() => ({ label: "other" })) },
  {
    name: "two signatures [Q1]",
    code: "forged_request",
    ...tampered((scene) => {
      const second = signedRequest(REGISTER_PATH, renaming(scene), scene.bob.requestKey, { label: "second" });
      return {
        headers: (headers) => {
          for (const name of ["signature", "signature-input"]) headers.append(name, second.headers.get(name) ?? "");
        },
      };
    }),
  },
  {
    name: "a signature that is no structured field",
    code: "forged_request",
    ...tampered(() => ({ headers: (headers) => headers.set("signature", "???") })),
  },
  {
    name: "a key ID that is none",
    code: "forged_request",
    ...tampered(() => ({ parameters: { keyid: "reqkey:xyz" } })),
  },
  {
    name: "a key ID that is no point of the curve",
    code: "forged_request",
    ...tampered(() => ({ parameters: { keyid: `reqkey:${"02".padEnd(64, "0")}` } })),
  },
  {
    name: "a request key of small order [Q3]",
    code: "forged_request",
    ...tampered(() => ({
      parameters: { keyid: NEUTRAL },
      headers: (headers) => headers.set("signature", FORGED_FOR_ALL),
    })),
  },
  { name: "a short nonce", code: "forged_request", ...tampered(() => ({ parameters: { nonce: "1234" } })) },
  { name: "a long nonce", code: "forged_request", ...tampered(() => ({ parameters: { nonce: "1".repeat(65) } })) },
  {
    name: "a signature that has expired",
    code: "stale_request",
    attempt: async (scene) => {
      const request = signedRequest(REGISTER_PATH, renaming(scene), scene.carol.requestKey);
      return later((SIGNATURE_LIFETIME_S + CLOCK_SKEW_S + 2) * 1000, () => fetchWorker(request));
    },
  },
  {
    name: "a signature made in the future",
    code: "stale_request",
    ...tampered(() => ({ parameters: { created: now() + CLOCK_SKEW_S + 20, expires: now() + CLOCK_SKEW_S + 60 } })),
  },
  {
    name: "a signature that is good for too long [Q2]",
    code: "stale_request",
    ...tampered(() => ({ parameters: { expires: now() + MAX_LIFETIME_S + 20 } })),
  },
  {
    name: "a replayed request [Q2]",
    code: "replayed_request",
    ...replaying(0),
  },
  {
    name: "a request replayed just before it expires, after others [Q2]",
    code: "replayed_request",
    // A busy machine takes some seconds in between.
    ...replaying((SIGNATURE_LIFETIME_S + CLOCK_SKEW_S - BUSY_S) * 1000),
  },
];

/** Carol is renamed twice, and then the first request is sent again so many milliseconds later. */
function replaying(ms: number): Pick<Hostile<Scene>, "arrange" | "attempt"> {
  const taken = new Map<Scene, Request>();
  return {
    arrange: async (scene) => {
      const request = signedRequest(REGISTER_PATH, renaming(scene, "first"), scene.carol.requestKey);
      taken.set(scene, request.clone());
      expect((await fetchWorker(request)).status).toBe(200);
      expect((await scene.carol.send(REGISTER_PATH, renaming(scene, "second"))).status).toBe(200);
    },
    attempt: (scene) =>
      later(ms, async () => {
        await scene.alice.map();
        const request = taken.get(scene);
        if (request === undefined) throw new Error("nothing was taken");
        return fetchWorker(request);
      }),
  };
}

function streamOf(length: number): ReadableStream<Uint8Array> {
  let left = length;
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      const size = Math.min(left, 1 << 16);
      left -= size;
      if (size === 0) controller.close();
      else controller.enqueue(new Uint8Array(size).fill(0x20));
    },
  });
}

/** JSON that is refused on every path that takes a node's request. */
const NOT_JSON = ["", "{", "null", "[]", "7", '"text"', "{}", `{"NodeKey":7}`, "[".repeat(200_000)];

const bodies: readonly Hostile<Scene>[] = [
  {
    name: "a body that says that it is too large",
    code: "body_too_large",
    ...tampered(() => ({ headers: (headers) => headers.set("content-length", String(MAX_BODY_BYTES + 1)) })),
  },
  {
    name: "a body that is too large, in one piece",
    code: "body_too_large",
    ...tampered(() => ({ sentBody: new Uint8Array(MAX_BODY_BYTES + 1) })),
  },
  {
    name: "a body that is too large, and does not say so",
    code: "body_too_large",
    ...tampered(() => ({ sentBody: streamOf(MAX_BODY_BYTES + 1) })),
  },
  ...[REGISTER_PATH, MAP_PATH, ...Object.values(TKA_PATHS)].map((path): Hostile<Scene> => ({
    name: `${path} with whatever is no request`,
    code: "malformed_request",
    attempt: async ({ carol }) => {
      const answers = await Promise.all(NOT_JSON.map((body) => carol.send(path, utf8(body))));
      for (const answer of answers) refused(answer, "malformed_request");
      return carol.send(path, new Uint8Array(64).fill(0xff));
    },
  })),
  {
    name: "a session that is a number too large",
    code: "malformed_request",
    attempt: ({ carol }) => carol.poll({ MapSessionHandle: "x", MapSessionSeq: 2 ** 60 }),
  },
];

const paths: readonly Hostile<Scene>[] = [
  {
    name: "a path that there is not",
    code: "not_found",
    attempt: ({ carol }) => carol.post("/machine/tka/nothing", {}),
  },
  {
    name: "a path that there is not, unsigned",
    code: "not_found",
    attempt: () => fetchWorker(new Request(`${ORIGIN}/nothing`)),
  },
  ...[REGISTER_PATH, MAP_PATH, ...Object.values(TKA_PATHS)].map((path): Hostile<Scene> => ({
    name: `PUT ${path}`,
    code: "method_not_allowed",
    attempt: ({ carol }) => {
      const signed = signedRequest(path, utf8("{}"), carol.requestKey, { method: "PUT" });
      return fetchWorker(signed);
    },
  })),
];

hostileTable("forged requests", unlockedScene, forgeries, ({ carol }) => [carol]);
hostileTable("bodies", unlockedScene, bodies);
hostileTable("paths and methods", unlockedScene, paths);

describe("a machine", () => {
  test("that a poisoned directory leads to a tailnet is refused there: routing is no permission", async () => {
    const { tailnet, alice } = await unlockedScene();
    const eve = new TestNode("eve");
    await join(await makeTailnet(), eve);
    const bucket = env.DIRECTORY.get(env.DIRECTORY.idFromName(bucketOf(eve.machineKey)));
    await bucket.route(eve.machineKey, alice.nodeKey, tailnet);
    eve.nodeKey = alice.nodeKey;
    refused(await eve.poll(), "wrong_machine");
    refused(await eve.tka("bootstrap"), "wrong_machine");
    refused(await eve.register(""), "node_key_owned");
  });

  test("is the same in upper-case hex, so its nonces are too", async () => {
    const { carol } = await unlockedScene();
    const nonce = encodeHex(randomBytes(16));
    const keyid = `reqkey:${encodeHex(carol.requestKey.publicKey).toUpperCase()}`;
    expect((await carol.poll({}, { parameters: { nonce } })).status).toBe(200);
    refused(await carol.poll({}, { parameters: { nonce, keyid } }), "replayed_request");
  });
});
