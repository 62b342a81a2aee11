/** What is asked and answered on the agent's socket. Whoever can open it owns the node: the shapes guard against mistakes. */

import { boolean, bytes, list, nullable, parsed, record, text, withDefault, type Shape } from "../protocol/index.ts";
import { MAX_DISABLEMENT_VALUES, MAX_KEYS, parseAumHash, parseNodeKey } from "../tka/index.ts";

/** The most updates that `/log` gives. */
export const MAX_LOG = 2000;

const votes: Shape<bigint> = parsed((digits) => {
  if (!/^\d{1,19}$/.test(digits)) throw new Error("votes are a number");
  return BigInt(digits);
});

const keys = list(record({ publicKey: bytes, votes }), MAX_KEYS);

export const beginBody = record({
  keys,
  disablementValues: list(bytes, MAX_DISABLEMENT_VALUES),
  support: withDefault(boolean, false),
});
export const finishBody = record({ id: text, supportDisablement: bytes });
export const signBody = record({ nodeKey: parsed(parseNodeKey), rotationKey: bytes });
export const wrapBody = record({ authKey: text });
export const addBody = record({ keys });
export const removeBody = record({ keys: list(bytes, MAX_KEYS), reSign: boolean });
export const disableBody = record({ secret: bytes });
export const revokeBody = record({ keys: list(bytes, MAX_KEYS), forkFrom: nullable(parsed(parseAumHash)) });
export const recoveryBody = record({ recovery: bytes });

/** What `POST /lock/init/begin` answers. */
export const beginAnswer = record({
  id: text,
  /** Those that are going to be signed; `rotationKey` is 32 bytes, or empty for none. */
  nodes: list(record({ name: text, nodeKey: parsed(parseNodeKey), rotationKey: bytes }), 20_000),
});
/** What `POST /lock/wrap-auth-key` answers. */
export const wrapAnswer = record({ wrapped: text });
/** What `GET /log` answers: encoded AUMs, the newest first. */
export const logAnswer = record({ updates: list(bytes, MAX_LOG) });
/** What `POST /lock/revoke` and `POST /lock/revoke/cosign` answer: the encoded recovery, and whether it would be the head as it is. */
export const recoveryAnswer = record({ recovery: bytes, counts: boolean });
/** What `POST /lock/revoke/finish` answers: the head that counts now. */
export const headAnswer = record({ head: text });
export const nothing = record({});
