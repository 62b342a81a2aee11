/** Requests signed as our agent signs them [Q1], and every way in which a forger may differ from it. */

import { createSignatureSync, type SignatureParameters } from "http-message-sig";
import {
  SIGNATURE_ALGORITHM,
  SIGNATURE_LABEL,
  SIGNATURE_LIFETIME_S,
  SIGNATURE_TAG,
  SIGNED_COMPONENTS,
  contentDigest,
  formatRequestKey,
} from "../../../src/protocol/index.ts";
import { encodeHex, type Signer } from "../../../src/tka/index.ts";

/** Where the Worker under test is. Nothing is listening there: requests are handed to it. */
export const ORIGIN = "https://control.test";

/** What is done otherwise than an honest node does it. */
export interface Tampering {
  /** The method that is signed and sent; POST by default. */
  readonly method?: string;
  /** Who signs; the key ID stays the node's. */
  readonly signer?: Signer;
  readonly components?: readonly string[];
  /** Parameters that take the place of the honest ones; undefined leaves one out. */
  readonly parameters?: Readonly<Record<string, string | number | undefined>>;
  readonly label?: string;
  /** The path and the body that are sent, where they are not those that were signed. */
  readonly sentPath?: string;
  readonly sentBody?: BodyInit;
  /** Changes the headers last. */
  readonly headers?: (headers: Headers) => void;
}

export function randomBytes(length: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(length));
}

function parametersOf(keyId: Uint8Array, replaced: Tampering["parameters"]): SignatureParameters {
  const created = Math.floor(Date.now() / 1000);
  return {
    created,
    expires: created + SIGNATURE_LIFETIME_S,
    nonce: encodeHex(randomBytes(16)),
    alg: SIGNATURE_ALGORITHM,
    keyid: formatRequestKey(keyId),
    tag: SIGNATURE_TAG,
    ...replaced,
  };
}

/** A request with `body` to `path`, signed with the request key of `signer`. */
export function signedRequest(path: string, body: Uint8Array, signer: Signer, tampering: Tampering = {}): Request {
  const digest = contentDigest(body);
  const { signer: by = signer, method = "POST" } = tampering;
  const { signature, signatureInput } = createSignatureSync(
    {
      kind: "request",
      method,
      targetUri: `${ORIGIN}${path}`,
      fields: [{ name: "content-digest", value: digest }],
    },
    {
      label: tampering.label ?? SIGNATURE_LABEL,
      components: tampering.components ?? SIGNED_COMPONENTS,
      parameters: parametersOf(signer.publicKey, tampering.parameters),
      signer: { algorithm: SIGNATURE_ALGORITHM, sign: (data) => by.sign(data) },
    },
  );
  const headers = new Headers({
    "content-type": "application/json",
    "content-digest": digest,
    signature,
    "signature-input": signatureInput,
  });
  tampering.headers?.(headers);
  const sent = tampering.sentBody ?? (body.length === 0 && method === "GET" ? null : body);
  return new Request(`${ORIGIN}${tampering.sentPath ?? path}`, { method, headers, body: sent });
}
