/**
 * The eight `/machine/tka/*` RPCs: paths, and the shapes of what is asked and answered. Source: Go's `tailcfg/tka.go`.
 * Requests are attacker-controlled to the server, answers to the node.
 */

import { parseNodeKey } from "../tka/index.ts";
import { MAX_ANCESTORS, MAX_BATCH, MAX_INIT_SIGNATURES } from "./limits.ts";
import { boolean, bytes, dictionary, integer, list, parsed, record, text, withDefault, type ShapeOf } from "./shape.ts";

export const TKA_PATHS = {
  initBegin: "/machine/tka/init/begin",
  initFinish: "/machine/tka/init/finish",
  bootstrap: "/machine/tka/bootstrap",
  syncOffer: "/machine/tka/sync/offer",
  syncSend: "/machine/tka/sync/send",
  disable: "/machine/tka/disable",
  sign: "/machine/tka/sign",
  affectedSigs: "/machine/tka/affected-sigs",
} as const;

export type TkaRpc = keyof typeof TKA_PATHS;

const NO_BYTES = new Uint8Array(0);
const nodeKey = parsed(parseNodeKey);
const optionalBytes = withDefault(bytes, NO_BYTES);
const optionalText = withDefault(text, "");
/** AUMs in an answer: as many as one walk yields. */
const MAX_MISSING = 2001;

/** What every request carries: the client's capability version, and its node key. */
const caller = { Version: withDefault(integer, 0), NodeKey: nodeKey };

export const initBeginRequest = record({
  ...caller,
  GenesisAUM: bytes,
  /** True if the finish will bring a support secret. Ours alone: so that it is refused before any secret is shown. */
  SupportDisablement: withDefault(boolean, false),
});
export const initFinishRequest = record({
  ...caller,
  /** By node ID, in decimal. */
  Signatures: dictionary(bytes, MAX_INIT_SIGNATURES),
  SupportDisablement: optionalBytes,
  /** The hash of the genesis that this finishes. Ours alone: Tailscale's clients do not say, and then it is empty. */
  Genesis: optionalText,
});
export const bootstrapRequest = record({ ...caller, Head: optionalText });
export const syncOfferRequest = record({ ...caller, Head: text, Ancestors: list(text, MAX_ANCESTORS) });
export const syncSendRequest = record({
  ...caller,
  Head: text,
  MissingAUMs: list(bytes, MAX_BATCH),
  Interactive: withDefault(boolean, false),
});
export const disableRequest = record({ ...caller, Head: optionalText, DisablementSecret: bytes });
export const signRequest = record({ ...caller, Signature: bytes });
export const affectedSigsRequest = record({ ...caller, KeyID: bytes });

const signInfo = record({
  NodeID: integer,
  NodePublic: nodeKey,
  /** 32 bytes: the node's lock key, which may rotate its signature. */
  RotationPubkey: optionalBytes,
});

export const initBeginResponse = record({ NeedSignatures: list(signInfo, MAX_INIT_SIGNATURES) });
export const bootstrapResponse = record({ GenesisAUM: optionalBytes, DisablementSecret: optionalBytes });
export const syncOfferResponse = record({
  Head: text,
  Ancestors: list(text, MAX_ANCESTORS),
  MissingAUMs: list(bytes, MAX_MISSING),
});
export const syncSendResponse = record({ Head: text });
export const affectedSigsResponse = record({ Signatures: list(bytes, MAX_INIT_SIGNATURES) });
/** `init/finish`, `disable` and `sign` answer with nothing in it. */
export const emptyResponse = record({});

export type InitBeginRequest = ShapeOf<typeof initBeginRequest>;
export type InitFinishRequest = ShapeOf<typeof initFinishRequest>;
export type BootstrapRequest = ShapeOf<typeof bootstrapRequest>;
export type SyncOfferRequest = ShapeOf<typeof syncOfferRequest>;
export type SyncSendRequest = ShapeOf<typeof syncSendRequest>;
export type DisableRequest = ShapeOf<typeof disableRequest>;
export type SignRequest = ShapeOf<typeof signRequest>;
export type AffectedSigsRequest = ShapeOf<typeof affectedSigsRequest>;
export type SignInfo = ShapeOf<typeof signInfo>;
export type InitBeginResponse = ShapeOf<typeof initBeginResponse>;
export type BootstrapResponse = ShapeOf<typeof bootstrapResponse>;
export type SyncOfferResponse = ShapeOf<typeof syncOfferResponse>;
export type SyncSendResponse = ShapeOf<typeof syncSendResponse>;
export type AffectedSigsResponse = ShapeOf<typeof affectedSigsResponse>;
export type EmptyResponse = ShapeOf<typeof emptyResponse>;
