/** Signs the requests of a node, by the rules [Q1] to [Q3] of the protocol. */

import { appendSignature, createSignatureSync } from "http-message-sig";
import {
  SIGNATURE_ALGORITHM,
  SIGNATURE_LABEL,
  SIGNATURE_LIFETIME_S,
  SIGNATURE_TAG,
  SIGNED_COMPONENTS,
  contentDigest,
  formatRequestKey,
} from "../protocol/index.ts";
import { encodeHex, type Signer } from "../tka/index.ts";
import { random } from "./native-crypto.ts";

const NONCE_BYTES = 16;

/** The headers of a signed request with `body` to `url`. `now` in milliseconds since the epoch. */
export function signedHeaders(
  url: URL,
  body: Uint8Array,
  signer: Signer,
  now: number,
  method: "POST" | "GET" = "POST",
): Headers {
  const digest = contentDigest(body);
  const created = Math.floor(now / 1000);
  const fields = createSignatureSync(
    { kind: "request", method, targetUri: url.href, fields: [{ name: "content-digest", value: digest }] },
    {
      label: SIGNATURE_LABEL,
      components: SIGNED_COMPONENTS,
      parameters: {
        created,
        expires: created + SIGNATURE_LIFETIME_S,
        nonce: encodeHex(random(NONCE_BYTES)),
        alg: SIGNATURE_ALGORITHM,
        keyid: formatRequestKey(signer.publicKey),
        tag: SIGNATURE_TAG,
      },
      signer: { algorithm: SIGNATURE_ALGORITHM, sign: (data) => signer.sign(data) },
    },
  );
  const type = method === "POST" ? { "content-type": "application/json" } : {};
  return appendSignature(new Headers({ ...type, "content-digest": digest }), fields);
}
