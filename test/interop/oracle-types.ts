// The oracle's answers, as they come over the wire: base64 text for bytes (null is
// Go's nil, "" is empty), base32 text for AUM hashes, Go's text forms for keys, decimal
// text for what may pass 2^53. The requests are described beside the operations in oracle/*.go.

/** Bytes as standard base64 with padding. */
export type Base64 = string;

/** An AUM hash as Go prints it: base32 without padding. */
export type HashText = string;

/** One answer, or one step's result in a play: what Go returned, its error, or its panic. */
export type Answer<T = unknown> = OkAnswer<T> | ErrorAnswer | PanicAnswer;
export interface OkAnswer<T = unknown> {
  readonly ok: T;
}
export interface ErrorAnswer {
  readonly error: string;
}
export interface PanicAnswer {
  readonly panic: string;
}

/** `version` */
export interface VersionAnswer {
  readonly module: string;
  readonly go: string;
}

/** `aum.decode`; `why` is static validation's error, or "". */
export interface AumAnswer {
  readonly serialized: Base64;
  readonly hash: HashText;
  readonly sigHash: Base64;
  readonly kind: number;
  readonly parent: Base64 | null;
  readonly valid: boolean;
  readonly why: string;
}

/** `nks.decode`; `keyId` is null where no key could be named, `wrapping` where there is no wrapping key. */
export interface NksAnswer {
  readonly serialized: Base64;
  readonly sigHash: Base64;
  readonly kind: number;
  readonly keyId: Base64 | null;
  readonly wrapping: Base64 | null;
  readonly text: string;
}

/** `chonkfile.decode`; the commit time in Unix seconds, the present where the file names none. */
export interface ChonkFileAnswer {
  readonly aum: Base64;
  readonly commitTime: number;
}

/** `chonkfile.encode`; the path is relative to the Chonk's directory. */
export interface ChonkFileBytes {
  readonly path: string;
  readonly bytes: Base64;
  readonly commitTime: number;
}

/** `ed25519.verify` */
export interface VerifyAnswer {
  readonly ok: boolean;
}

/** `weight`, in decimal. */
export interface WeightAnswer {
  readonly weight: string;
}

/** `offer.parse`, and the step `offer`. */
export interface OfferText {
  readonly head: HashText;
  readonly ancestors: readonly HashText[];
}

/** `kdf` */
export interface ValueAnswer {
  readonly value: Base64;
}

/** `resign`, `signByCredential` */
export interface SigAnswer {
  readonly sig: Base64;
}

/** `wrapped.decode` */
export interface WrappedAnswer {
  readonly authKey: string;
  readonly isWrapped: boolean;
  readonly sig: Base64 | null;
  readonly priv: Base64 | null;
}

/** `text.parse`; `cli` for a public lock key only. */
export interface TextAnswer {
  readonly bytes: Base64;
  readonly canonical: string;
  readonly cli?: string;
}

/** `noise.exchange`: a Noise connection of Go's client with Go's server, and all that they drew. */
export interface NoiseAnswer {
  /** `privkey:…` and `mkey:…`. */
  readonly control: string;
  readonly controlPublic: string;
  readonly machine: string;
  readonly machinePublic: string;
  /** Private keys of 32 bytes. */
  readonly clientEphemeral: Base64;
  readonly serverEphemeral: Base64;
  readonly initiation: Base64;
  readonly response: Base64;
  /** What each plaintext became on the wire. */
  readonly fromClient: readonly Base64[];
  readonly fromServer: readonly Base64[];
}

/** `json.log`, `json.status`: the text that the command line prints, newline included. */
export interface JsonAnswer {
  readonly json: string;
}

/** `bench`: `ns` for all n rounds on one core. */
export interface BenchAnswer {
  readonly n: number;
  readonly ns: number;
}

/** `play` */
export interface PlayAnswer {
  readonly steps: readonly Answer[];
}

/** A key of the lock. Votes of a trusted key are at most 4096. */
export interface KeyJson {
  readonly kind: number;
  readonly votes: number;
  readonly public: Base64 | null;
  readonly meta: Readonly<Record<string, string>> | null;
}

/** A whole state, as the step `create` takes it. */
export interface StateJson {
  readonly keys: readonly KeyJson[];
  readonly disablementValues: readonly Base64[];
  readonly state1: string;
  readonly state2: string;
}

/** The steps `stored` and `compact`: hashes in order of their text; the last active ancestor as stored. */
export interface StoredResult {
  readonly ancestor: HashText | null;
  readonly stored: readonly HashText[];
}

/** The step `head`. */
export interface HeadResult extends StoredResult {
  readonly head: HashText;
  readonly keys: readonly KeyJson[];
  readonly state1: string;
  readonly state2: string;
}

/** The steps `missing` and `build`. */
export interface AumsResult {
  readonly aums: readonly Base64[];
}

/** The step `sync`: what was sent, and the receiver's head after it. */
export interface SyncResult {
  readonly aums: readonly HashText[];
  readonly head: HashText;
}

/** The step `create`. */
export interface GenesisResult {
  readonly genesis: Base64;
}

/** The step `revoke`. */
export interface RevokeResult {
  readonly aum: Base64;
}

/** The step `authorized`; kind and wrapping key of a rotation's first signature, null for others. */
export interface AuthorizedResult {
  readonly prevNodeKeys: readonly string[];
  readonly initialKind: number | null;
  readonly initialWrapping: Base64 | null;
}

/** The step `peers`: ids in ascending order. */
export interface PeersResult {
  readonly visible: readonly number[];
  readonly filtered: readonly number[];
}

/** The step `disablement`. */
export interface ValidResult {
  readonly valid: boolean;
}

/** The step `trusted`. */
export interface TrustedResult {
  readonly trusted: boolean;
}

/** The step `deeplink.make`. */
export interface DeeplinkResult {
  readonly url: string;
}

/** The step `deeplink.validate`. */
export interface DeeplinkCheck {
  readonly valid: boolean;
  readonly error: string;
  readonly version: number;
  readonly nodeKey: string;
  readonly tlPub: string;
  readonly deviceName: string;
  readonly osName: string;
  readonly emailAddress: string;
}
