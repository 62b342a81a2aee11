/** Signing links: made by both sides alike, and read back bent in every way that a URL can be. */

import { makeDeeplink, TkaError, type DeeplinkFields, type State } from "../../../src/tka/index.ts";
import type { Case } from "./case.ts";
import { bend } from "./kind-text.ts";
import { randomNodeKey } from "./keys.ts";
import type { PlayStep } from "./kind-web.ts";
import type { Random } from "./random.ts";
import { plainTrust, TRUST_STATE_ID } from "./signatures.ts";

const STATE = {
  lastAumHash: null,
  disablementValues: [],
  keys: [],
  stateId1: TRUST_STATE_ID,
  stateId2: 0n,
} satisfies State;
const WORDS = [
  "laptop",
  "Ann's phone",
  "a+b",
  "a%20b",
  "é",
  "日本",
  "100%",
  "a&b=c",
  "x;y",
  "#1",
  "/v1/",
  "?",
  "",
  " ",
  "tab\there",
  "\u0000",
  "😀",
];

function fields(random: Random): DeeplinkFields {
  const word = (): string => (random.chance(0.97) ? random.pick(WORDS.filter((one) => one !== "")) : "");
  return {
    nodeKey: random.chance(0.95) ? randomNodeKey(random) : random.pick(["nodekey:", "NODEKEY:00", "", "mkey:00"]),
    lockKey: random.chance(0.95) ? `tlpub:${"ab".repeat(32)}` : random.pick(["tlpub:", "nlpub:00", ""]),
    deviceName: word(),
    osName: word(),
    loginName: random.chance(0.8) ? "ann@example.com" : word(),
  };
}

/** Making a link. */
export function linkMade(random: Random): Case {
  const { lockKey, ...rest } = fields(random);
  return {
    request: {
      op: "play",
      steps: [plainTrust(), { do: "deeplink.make", node: "a", params: { ...rest, tlPub: lockKey } }],
    },
  };
}

function goodLink(random: Random): string {
  try {
    return makeDeeplink(STATE, fields(random));
  } catch (error) {
    if (error instanceof TkaError) return goodLink(random);
    throw error;
  }
}

interface Parts {
  readonly head: string;
  readonly parameters: readonly string[];
}

function split(link: string): Parts {
  const at = link.indexOf("?");
  return { head: link.slice(0, at), parameters: link.slice(at + 1).split("&") };
}

const HEADS = [
  "tailscale://sign-device/v1",
  "tailscale://sign-device/v1//",
  "tailscale://sign-device/v2/",
  "TAILSCALE://sign-device/v1/",
  "tailscale://SIGN-DEVICE/v1/",
  "tailscale://sign-device:443/v1/",
  "tailscale://user:pw@sign-device/v1/",
  "tailscale://u%41@sign-device/v1/",
  "tailscale://us er@sign-device/v1/",
  "tailscale://a@b@sign-device/v1/",
  "tailscale://sign%2Ddevice/v1/",
  "tailscale:///v1/",
  "tailscale:sign-device/v1/",
  "tailscale:/sign-device/v1/",
  "//sign-device/v1/",
  "tailscale://sign-device/v%31/",
  "tailscale://sign-device/v1/%zz",
  "tailscale://sign-device/v1/x y",
  "tailscale://sign-device/v1/é",
  "tailscale://sign-device/%76%31/",
  "tailscale://sign-device./v1/",
  " tailscale://sign-device/v1/",
  "tailscale://sign-device/v1/%2F",
  "tailscale://sign-device/./v1/",
  "1tailscale://sign-device/v1/",
  "tailscale://[sign-device]/v1/",
  "tailscale://sign-device:/v1/",
  "tailscale://sign-device:x/v1/",
  "://sign-device/v1/",
  "tailscale://@sign-device/v1/",
  "tailscale://sign-device/v1/[",
  'tailscale://sign-device/v1/"',
  "tailscale://sign-device\\v1/",
  "tailscale://%73ign-device/v1/",
  "tailscale://sign-device%00/v1/",
];

function bentHead({ head, parameters }: Parts, random: Random): Parts {
  return { head: random.chance(0.7) ? random.pick(HEADS) : bend(head, random), parameters };
}

/** Moves the border between two fields, which leaves what the HMAC covers as it was. */
function shifted(parameters: readonly string[]): string[] {
  const os = parameters.find((one) => one.startsWith("os="));
  if (os === undefined) return [...parameters];
  return parameters.map((one) => (one === os ? "os=" : one.startsWith("dn=") ? `${one}${os.slice(3)}` : one));
}

function bentParameters({ head, parameters }: Parts, random: Random): Parts {
  const at = random.below(parameters.length);
  const one = parameters[at] ?? "";
  const others = parameters.filter((_, i) => i !== at);
  const kind = random.below(12);
  if (kind === 0) return { head, parameters: others };
  if (kind === 1) return { head, parameters: [...parameters, one.replace(/=.*/, "=other")] };
  if (kind === 2) return { head, parameters: [one.replace(/=.*/, "=other"), ...parameters] };
  if (kind === 3) return { head, parameters: shifted(parameters) };
  if (kind === 4)
    return { head, parameters: [...others, one.replace(/[a-z]/, (letter) => `%${letter.charCodeAt(0).toString(16)}`)] };
  if (kind === 5)
    return {
      head,
      parameters: [
        ...others,
        random.pick([`${one};`, `;${one}`, `${one}%`, `${one}%4`, `${one}%zz`, `${one}%ff`, `${one}%c3%28`]),
      ],
    };
  if (kind === 6)
    return {
      head,
      parameters: [...parameters, random.pick(["", "=", "x", "nk", "%zz=1", "a;b=c", "hm", "==", "n%6b=late"])],
    };
  if (kind === 7)
    return {
      head,
      parameters: parameters.map((other) =>
        other.startsWith("hm=") ? other.toUpperCase().replace("HM=", "hm=") : other,
      ),
    };
  if (kind === 8) return { head, parameters: random.shuffled(parameters) };
  if (kind === 9) return { head, parameters: [...others, one.replace("=", "==")] };
  if (kind === 10) return { head, parameters: [...others, one.replaceAll("+", "%20")] };
  return { head, parameters: [...others, bend(one, random)] };
}

function bentLink(random: Random): string {
  const parts = split(goodLink(random));
  const kind = random.below(10);
  if (kind === 0) return bend(`${parts.head}?${parts.parameters.join("&")}`, random);
  const bent = kind < 4 ? bentHead(parts, random) : bentParameters(parts, random);
  const again = random.chance(0.3) ? bentParameters(bent, random) : bent;
  const fragment = random.chance(0.1) ? random.pick(["#", "#x", "#%zz", "#a b", "#é", "#\u0001"]) : "";
  return `${again.head}${random.chance(0.97) ? "?" : "??"}${again.parameters.join("&")}${fragment}`;
}

/** Reading links. */
export function links(random: Random): Case {
  const steps: PlayStep[] = [plainTrust()];
  for (let i = random.between(1, 4); i > 0; i--)
    steps.push({ do: "deeplink.validate", node: "a", url: random.chance(0.1) ? goodLink(random) : bentLink(random) });
  return { request: { op: "play", steps } };
}
