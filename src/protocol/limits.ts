/** Limits of the node API, each with its reason. The body is bounded before it is parsed, what is in it before it is worked on. */

/** Bytes of a request's body. The largest honest one is `init/finish` with a signature (some 300 bytes in JSON) for each of 20,000 nodes. */
export const MAX_BODY_BYTES = 8 * 1024 * 1024;
/** AUMs in one `sync/send`: what one walk can take (limits.ts of the authority), with room for the chain before it. */
export const MAX_BATCH = 1900;
/** AUMs in the answer to a sync offer, and their bytes: a client takes 2,000 in one walk, and before v1.104 reads 10 MiB of an answer, where a
 * byte takes four thirds of one. Whoever is further behind comes again. */
export const MAX_SYNC_AUMS = 1000;
export const MAX_SYNC_BYTES = 4 * 1024 * 1024;
/** Ancestors in a sync offer: a client offers one for every checkpoint of its last 1,000 AUMs, or some ten (v1.102). */
export const MAX_ANCESTORS = 1024;
/** Signatures in one `init/finish`: nodes of a tailnet. */
export const MAX_INIT_SIGNATURES = 20_000;
/** Bytes of one encoded AUM: a checkpoint with 512 keys and all their metadata is some 330 kB. */
export const MAX_AUM_BYTES = 512 * 1024;
/** Bytes of one node-key signature: 16 layers of some 220 bytes. */
export const MAX_SIGNATURE_BYTES = 8 * 1024;
/** Bytes of a disablement secret; 32 are made. Bounds what is given to the KDF. */
export const MAX_SECRET_BYTES = 1024;
/** Signatures on one AUM: each may cost a slow verification, and even a recovery needs no more than a tailnet has signing nodes. */
export const MAX_AUM_SIGNATURES = 64;
/** Signatures in one `sync/send`, for the same reason. */
export const MAX_BATCH_SIGNATURES = 4096;
/** AUMs, and their bytes, of branches that did not win: they are kept for those who hold them, but whoever once held a key could make such
 * without end, and each of their heads is looked at when a fork is decided. */
export const MAX_LOSING_AUMS = 128;
export const MAX_LOSING_BYTES = 4 * 1024 * 1024;
/** Bytes that a client of an earlier capability version than `LARGE_ANSWERS` (that of v1.104) reads of an answer to `affected-sigs`. */
export const MAX_OLD_ANSWER_BYTES = 1024 * 1024;
export const LARGE_ANSWERS = 148;
/** Milliseconds for which a pending init waits for its finish. */
export const PENDING_INIT_MS = 10 * 60 * 1000;
/** Milliseconds after which a login that no admin has settled, or whose node has not come back, is forgotten. */
export const LOGIN_MS = 60 * 60 * 1000;
/** Milliseconds for which the registration of a node that waits for its login is held: well before a client gives up (120 s). */
export const LOGIN_HOLD_MS = 50_000;
/** The same for a client's, whose request keeps the object of its connection awake: an object that waits for its own loopback is let go after
 * 15 s. A client asks again by itself, a little later each time. */
export const NATIVE_LOGIN_HOLD_MS = 10_000;
/** Logins that wait, of one machine and of all: whoever has a key pair can ask for one. */
export const MAX_LOGINS_OF_MACHINE = 4;
export const MAX_LOGINS = 1000;
/** Milliseconds between keep-alives of a stream, and between pings of a WebSocket: well before a client gives up (120 s). */
export const KEEP_ALIVE_MS = 50_000;
/** Characters of a message that a node sends on its map's WebSocket: host facts and a head, some 500. */
export const MAX_MAP_REQUEST_CHARS = 64 * 1024;
/** Messages that a node may send on it at once, and those that it may send a second in the long run. */
export const MAP_REQUEST_BURST = 60;
export const MAP_REQUESTS_A_SECOND = 2;
/** Characters after which a map response ends, and the next goes on: client libraries take 4 MiB, a socket's reader should not wait for more. */
export const MAP_RESPONSE_CHARS = 1024 * 1024;
/** Characters that a WebSocket's node takes before it says so [M9]: small maps and deltas cost no message. */
export const ACKNOWLEDGE_CHARS = 32 * 1024;
