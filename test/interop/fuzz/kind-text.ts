/** Texts that are parsed: keys, hashes, offers, wrapped auth keys; right, bent, and wrong. */

import { encodeNodeKeySignature } from "../../../src/tka/index.ts";
import { encodeBase32, encodeBase64Raw, encodeHex } from "../../../src/tka/text-encodings.ts";
import type { Case } from "./case.ts";
import { randomSignature } from "./kind-nks-bytes.ts";
import { mutateBytes } from "./cbor-mutate.ts";
import type { Random } from "./random.ts";

const PREFIXES = ["nodekey:", "nlpub:", "tlpub:", "nlpriv:", "mkey:", "discokey:"] as const;
const STRAY = [
  "\n",
  "\r",
  "\r\n",
  " ",
  "=",
  "==",
  "-",
  "_",
  "+",
  "/",
  "é",
  "\u0000",
  "K",
  "İ",
  "0",
  "8",
  "a",
  "G",
  "😀",
  "-",
  "--TL",
];

/** The text with some of its characters lost, doubled, changed, or strange ones put in. */
export function bend(text: string, random: Random): string {
  const out = Array.from(text);
  for (let i = random.between(1, 3); i > 0; i--) {
    const at = random.below(out.length + 1);
    const kind = random.below(7);
    if (kind < 2) out.splice(at, 0, random.pick(STRAY));
    else if (kind === 2) out.splice(at, 1);
    else if (kind === 3) out[at] = random.pick(STRAY);
    else if (kind === 4) out[at] = (out[at] ?? "").toUpperCase();
    else if (kind === 5) out.push(out.at(-1) ?? "");
    else out[at] = String.fromCharCode(random.between(32, 126));
  }
  return out.join("");
}

function keyText(random: Random): { kind: string; text: string } {
  const prefix = random.pick(PREFIXES);
  const kind = random.chance(0.95) ? prefix.slice(0, -1) : random.pick(PREFIXES).slice(0, -1);
  const length = random.chance(0.9) ? (prefix === "nlpriv:" ? 64 : 32) : random.pick([0, 31, 33, 63, 64, 65]);
  const hex = encodeHex(random.bytes(length));
  const cased = random.chance(0.15) ? hex.toUpperCase() : hex;
  const text = `${random.chance(0.03) ? prefix.toUpperCase() : prefix}${cased}`;
  return { kind: kind === "tlpub" ? "nlpub" : kind, text };
}

function hashText(random: Random): string {
  const text = encodeBase32(random.bytes(random.chance(0.95) ? 32 : random.pick([0, 31, 33])));
  return random.chance(0.05) ? text.toLowerCase() : text;
}

function maybeBent(text: string, random: Random): string {
  return random.chance(0.5) ? bend(text, random) : text;
}

/** A key or a hash. */
export function keyTexts(random: Random): Case {
  if (random.chance(0.25))
    return { request: { op: "text.parse", kind: "aumhash", text: maybeBent(hashText(random), random) } };
  const { kind, text } = keyText(random);
  return { request: { op: "text.parse", kind, text: maybeBent(text, random) } };
}

export function offers(random: Random): Case {
  const text = (): string => (random.chance(0.9) ? hashText(random) : bend(hashText(random), random));
  return { request: { op: "offer.parse", head: text(), ancestors: Array.from({ length: random.below(5) }, text) } };
}

function alphabet(text: string, random: Random): string {
  const kind = random.below(12);
  if (kind === 0) return text.replaceAll("+", "-").replaceAll("/", "_");
  if (kind === 1) return `${text}=`;
  if (kind === 2) return text.replace(/.{20}/g, "$&\n");
  return kind === 3 ? bend(text, random) : text;
}

/** A wrapped auth key, good or bent. */
export function wrappedTexts(random: Random): Case {
  const bytes = encodeNodeKeySignature(randomSignature(random, random.chance(0.8) ? 1 : random.between(2, 17)));
  const sig = alphabet(encodeBase64Raw(random.chance(0.1) ? mutateBytes(bytes, random) : bytes), random);
  const priv = alphabet(encodeBase64Raw(random.bytes(random.chance(0.8) ? 64 : random.below(70))), random);
  const mark = random.chance(0.95) ? "--TL" : random.pick(["--tl", "-TL", "--T", "--TL--TL", ""]);
  const border = random.chance(0.95) ? "-" : random.pick(["", "--", "_"]);
  const text = `${random.chance(0.9) ? "tskey-auth-abc" : random.pick(["", "-", "--TL", "é"])}${mark}${sig}${border}${priv}`;
  return { request: { op: "wrapped.decode", text: random.chance(0.1) ? bend(text, random) : text } };
}
