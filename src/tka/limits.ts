/**
 * Every limit of the key authority, each with its reason. The numbers are those of Go's `tka/limits.go`, `tka/state.go`,
 * `tka/key.go` and of the CBOR settings in `tka/tka.go`: to accept or refuse anything else would split the consensus.
 */

/** CBOR nesting of arrays and maps. Most likely met by chains of rotation signatures: 16 of them, one in another. */
export const MAX_CBOR_DEPTH = 16;
/** Elements of one CBOR array: bounds what a small message can make a reader allocate. */
export const MAX_CBOR_ARRAY = 4096;
/** Pairs of one CBOR map, for the same reason. */
export const MAX_CBOR_PAIRS = 1024;

/** Keys in a checkpoint, and the most that a builder will add up to: bounds the size of a checkpoint. */
export const MAX_KEYS = 512;
/** Disablement values in a checkpoint. */
export const MAX_DISABLEMENT_VALUES = 32;
/** Bytes of metadata of one key, names and values together: it is a label, not a store. */
export const MAX_META_BYTES = 512;
/** Votes of one key; at least one. Keeps every sum of votes far from overflow. */
export const MAX_VOTES = 4096n;
/** Bytes of a disablement value, the output of the KDF. */
export const DISABLEMENT_LENGTH = 32;
/** Bytes of an AUM hash and of a signature hash (BLAKE2s-256). */
export const HASH_LENGTH = 32;
/** Bytes of an Ed25519 public key, and so of a key ID that can sign. */
export const KEY_LENGTH = 32;
/** Bytes of an Ed25519 signature. */
export const SIGNATURE_LENGTH = 64;

/** AUMs walked when a chain is opened or a state computed: bounds the work that stored AUMs can cause. */
export const MAX_SCAN = 2000;
/** AUMs walked when looking for any AUM in common with another node. */
export const MAX_SYNC = 2000;
/** AUMs walked when looking for the other node's head in our own chain, and when listing our checkpoints in an offer. */
export const MAX_SYNC_HEAD = 1000;

/** A builder adds a checkpoint when the last one is this many AUMs back, so that states stay cheap to compute. */
export const CHECKPOINT_EVERY = 50;
/** Compaction keeps at least this many AUMs behind the head: nodes a little behind can still be served. */
export const COMPACTION_MIN_CHAIN = 24;
/** Compaction keeps whatever was committed less than this many milliseconds ago (14 days). */
export const COMPACTION_MIN_AGE_MS = 14 * 24 * 60 * 60 * 1000;

/** Signatures nested in one another that CBOR can carry, the outermost included. */
export const MAX_SIGNATURE_LAYERS = MAX_CBOR_DEPTH;

/** Parameters in the query of a deep link: past it, Go's URL parser (net/url) yields none. */
export const MAX_QUERY_PARAMETERS = 10_000;
