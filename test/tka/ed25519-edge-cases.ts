/**
 * Published edge cases of Ed25519 verification, as data.
 *
 * The fourteen encodings of small-order points: those of ZIP-215's test set ("It's 255:19AM", Henry de Valence, 2020). The cases 0 to 11:
 * Chalkias, Garillot and Nikolaenko, "Taming the many EdDSAs" (SSR 2020), with three more from an earlier edition of their set. What Go
 * answers (crypto/ed25519 and github.com/hdevalence/ed25519consensus, as v1.104.5 of tailscale.com uses them) stands beside each.
 */

/** Encodings of the eight points of small order: canonical ones, then the six that are not. */
export const SMALL_ORDER_ENCODINGS = [
  "0100000000000000000000000000000000000000000000000000000000000000", // 0: order 1
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // 1: order 2
  "0000000000000000000000000000000000000000000000000000000000000000", // 2: order 4
  "0000000000000000000000000000000000000000000000000000000000000080", // 3: order 4
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", // 4: order 8
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85", // 5: order 8
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", // 6: order 8
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa", // 7: order 8
  "0100000000000000000000000000000000000000000000000000000000000080", // 8: order 1, x = 0 with a sign
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", // 9: order 2, x = 0 with a sign
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // 10: order 4, y = p
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", // 11: order 4, y = p
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // 12: order 1, y = p + 1
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", // 13: order 1, y = p + 1, x = 0 with a sign
] as const;

/** Of the 196 signatures (R, S = 0) of "Zcash" under A, those that Go's standard rule takes, as [A, R]. ZIP-215 takes them all. */
export const STANDARD_TAKES: readonly (readonly [number, number])[] = [
  [0, 0],
  [3, 0],
  [4, 6],
  [5, 2],
  [5, 4],
  [5, 5],
  [6, 3],
  [6, 5],
  [8, 0],
  [9, 1],
  [12, 0],
  [13, 0],
];

export interface EdgeCase {
  readonly name: string;
  /** Hex. */
  readonly message: string;
  readonly publicKey: string;
  readonly signature: string;
  /** What the two rules say. */
  readonly zip215: boolean;
  readonly standard: boolean;
}

export const EDGE_CASES: readonly EdgeCase[] = [
  {
    name: "case 0: S = 0, small A, small R",
    message: "8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6",
    publicKey: "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    signature:
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a0000000000000000000000000000000000000000000000000000000000000000",
    zip215: true,
    standard: true,
  },
  {
    name: "case 1: small A, mixed R",
    message: "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
    publicKey: "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    signature:
      "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
    zip215: true,
    standard: true,
  },
  {
    name: "case 2: mixed A, small R",
    message: "aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab",
    publicKey: "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
    signature:
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e",
    zip215: true,
    standard: true,
  },
  {
    name: "case 3: mixed A, mixed R",
    message: "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
    publicKey: "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
    signature:
      "9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009",
    zip215: true,
    standard: true,
  },
  {
    name: "case 4: mixed A, mixed R, good with the cofactor only",
    message: "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
    publicKey: "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
    signature:
      "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed5125ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09",
    zip215: true,
    standard: false,
  },
  {
    name: "case 5: good unless 8k is reduced before it multiplies A",
    message: "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
    publicKey: "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
    signature:
      "21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405",
    zip215: true,
    standard: false,
  },
  {
    name: "case 6: S above the order",
    message: "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
    publicKey: "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
    signature:
      "e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514",
    zip215: false,
    standard: false,
  },
  {
    name: "case 7: S far above the order",
    message: "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
    publicKey: "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
    signature:
      "8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa19427e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22",
    zip215: false,
    standard: false,
  },
  {
    name: "case 8: R is not canonical; good if it is reduced before hashing",
    message: "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
    publicKey: "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
    signature:
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff03be9678ac102edcd92b0210bb34d7428d12ffc5df5f37e359941266a4e35f0f",
    zip215: false,
    standard: false,
  },
  {
    name: "case 9: R is not canonical; good if it is hashed as it is",
    message: "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
    publicKey: "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
    signature:
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffca8c5b64cd208982aa38d4936621a4775aa233aa0505711d8fdcfdaa943d4908",
    zip215: true,
    standard: false,
  },
  {
    name: "case 10: A is not canonical; good if it is reduced before hashing",
    message: "e96b7021eb39c1a163b6da4e3093dcd3f21387da4cc4572be588fafae23c155b",
    publicKey: "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    signature:
      "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dca5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
    zip215: true,
    standard: false,
  },
  {
    name: "case 11: A is not canonical; good if it is hashed as it is",
    message: "39a591f5321bbe07fd5a23dc2f39d025d74526615746727ceefd6e82ae65c06f",
    publicKey: "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    signature:
      "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dca5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
    zip215: true,
    standard: true,
  },
  {
    name: "as case 0, with R alone off by a small point",
    message: "2a66241a42a9ee12994d8068dcf1bb7dfc6637b45450acd43711f637fa5080fc",
    publicKey: "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    signature:
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a0000000000000000000000000000000000000000000000000000000000000000",
    zip215: true,
    standard: false,
  },
  {
    name: "as case 1, with R off by a small point",
    message: "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
    publicKey: "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    signature:
      "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
    zip215: true,
    standard: false,
  },
  {
    name: "as case 2, with R off by a small point",
    message: "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
    publicKey: "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
    signature:
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa182ef1a5b928da07fec769cc8a12db6bcf70dab3f3227fa315e9d5e3e01a3405",
    zip215: true,
    standard: false,
  },
];
