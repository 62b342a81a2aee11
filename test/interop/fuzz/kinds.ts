/** All kinds of case, with their weights. */

import type { Kind } from "./case.ts";
import { aumBits, aumNear, aumTree, aumValid } from "./kind-aum-bytes.ts";
import { build, create, revoke } from "./kind-building.ts";
import { oddSignature } from "./kind-ed25519.ts";
import { lockLog, lockStatus } from "./kind-json.ts";
import { linkMade, links } from "./kind-links.ts";
import { longInform } from "./kind-long.ts";
import { byCredential, resign, rotations, wrapped } from "./kind-making.ts";
import { nksBits, nksNear, nksTree, nksValid } from "./kind-nks-bytes.ts";
import { nodeKeys } from "./kind-node-keys.ts";
import { peers } from "./kind-peers.ts";
import { kdf, trusted, weight } from "./kind-single.ts";
import { missingFar, syncFar, syncVersions } from "./kind-sync.ts";
import { keyTexts, offers, wrappedTexts } from "./kind-text.ts";
import { forest, web, webCompacted } from "./kind-web.ts";

export const KINDS: readonly Kind[] = [
  { name: "aum-valid", weight: 30_000, make: aumValid },
  { name: "aum-tree", weight: 170_000, make: aumTree },
  { name: "aum-bits", weight: 40_000, make: aumBits },
  { name: "aum-near", weight: 50_000, make: aumNear },
  { name: "nks-valid", weight: 20_000, make: nksValid },
  { name: "nks-tree", weight: 95_000, make: nksTree },
  { name: "nks-bits", weight: 35_000, make: nksBits },
  { name: "nks-near", weight: 28_000, make: nksNear },
  { name: "web", weight: 80_000, make: web },
  { name: "web-compacted", weight: 30_000, make: webCompacted },
  { name: "forest", weight: 30_000, make: forest },
  { name: "ed25519", weight: 60_000, make: oddSignature },
  { name: "node-keys", weight: 100_000, make: nodeKeys },
  { name: "peers", weight: 1_000, make: peers },
  { name: "rotations", weight: 8_000, make: rotations },
  { name: "resign", weight: 15_000, make: resign },
  { name: "by-credential", weight: 10_000, make: byCredential },
  { name: "wrapped-made", weight: 2_000, make: wrapped },
  { name: "build", weight: 20_000, make: build },
  { name: "create", weight: 8_000, make: create },
  { name: "revoke", weight: 12_000, make: revoke },
  { name: "key-texts", weight: 30_000, make: keyTexts },
  { name: "offers", weight: 8_000, make: offers },
  { name: "wrapped-texts", weight: 25_000, make: wrappedTexts },
  { name: "links", weight: 50_000, make: links },
  { name: "links-made", weight: 6_000, make: linkMade },
  { name: "weight", weight: 20_000, make: weight },
  { name: "trusted", weight: 2_000, make: trusted },
  { name: "kdf", weight: 200, make: kdf },
  { name: "sync-versions", weight: 8_000, make: syncVersions },
  { name: "missing-far", weight: 250, make: missingFar },
  { name: "sync-far", weight: 50, make: syncFar },
  { name: "long-inform", weight: 50, make: longInform },
  { name: "lock-log", weight: 20_000, make: lockLog },
  { name: "lock-status", weight: 10_000, make: lockStatus },
];
