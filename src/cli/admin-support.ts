/**
 * `tailward admin support-key` and `support-disable`: for the operator, on a machine that runs nothing else. The private key never leaves its file,
 * and a secret that was opened goes to the control plane to be spent, and nowhere else.
 */

import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { closeSync, openSync, writeSync } from "node:fs";
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import type { Command } from "commander";
import { nodeKdf, printable } from "../node/index.ts";
import {
  SUPPORT_ENC_BYTES,
  formatSupportKey,
  formatSupportPrivateKey,
  isTailnetId,
  parseSupportPrivateKey,
  sealedSupport,
  supportBinding,
  type SealedSupport,
} from "../protocol/index.ts";
import { TkaError, encodeHex, equalBytesConstantTime, parseAumHash, type AumHash } from "../tka/index.ts";
import { NOTHING, type AdminPlace } from "./admin-place.ts";
import { fileArgument } from "./file-argument.ts";
import { UsageError } from "./usage-error.ts";

const PRIVATE_MODE = 0o600;

function suite(): CipherSuite {
  return new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });
}

/** Writes a file of the owner's alone that was not there before. */
function writePrivate(path: string, contents: string): void {
  try {
    const file = openSync(path, "wx", PRIVATE_MODE);
    writeSync(file, contents);
    closeSync(file);
  } catch (error) {
    throw new UsageError(`cannot make ${path}: ${(error as Error).message}`);
  }
}

/** The raw bytes of a key's field, as JWK has them (RFC 8037). */
function rawOf(key: KeyObject, field: "x" | "d"): Uint8Array {
  return new Uint8Array(Buffer.from(key.export({ format: "jwk" })[field] ?? "", "base64url"));
}

function makeKey({ terminal }: AdminPlace, path: string): void {
  const { publicKey, privateKey } = generateKeyPairSync("x25519");
  writePrivate(path, `${formatSupportPrivateKey(rawOf(privateKey, "d"))}\n`);
  terminal.out(`The private half is in ${path}. Keep it off the control plane: whoever has both can turn locks off.\n`);
  terminal.out("The public half, for the Worker's configuration:\n");
  terminal.out(`SUPPORT_PUBLIC_KEY="${formatSupportKey(rawOf(publicKey, "x"))}"\n`);
}

/** The genesis that an answer names. The control plane is not trusted. */
function genesisOf({ genesis }: SealedSupport): AumHash {
  try {
    return parseAumHash(genesis);
  } catch (error) {
    if (error instanceof TkaError) throw new UsageError("the control plane's answer names no genesis");
    throw error;
  }
}

/** Opens the box, and makes sure that what is in it turns off the lock that it says. Throws UsageError. */
async function open(sealed: SealedSupport, privateKey: Uint8Array): Promise<Uint8Array> {
  const hpke = suite();
  const { tailnet, box, supportKey, disablementValue } = sealed;
  try {
    const recipientKey: unknown = await hpke.kem.deserializePrivateKey(privateKey);
    const info = supportBinding(tailnet, genesisOf(sealed));
    const enc = box.slice(0, SUPPORT_ENC_BYTES);
    const secret = new Uint8Array(await hpke.open({ recipientKey, enc, info }, box.slice(SUPPORT_ENC_BYTES)));
    if (equalBytesConstantTime(nodeKdf(secret), disablementValue)) return secret;
  } catch (error) {
    if (error instanceof UsageError) throw error;
  }
  throw new UsageError(
    `the box does not open, or holds no secret of this lock: it was sealed to ${printable(supportKey)}; is that the key of this file?`,
  );
}

/**
 * The control plane, which is not trusted, chooses whose box it gives, and is then given what is in it: a box of another tailnet than the one that is
 * meant is not opened. A name it can give to any; an ID stands in the box's binding [U3].
 */
function requireMeant(meant: string, { tailnet, name }: SealedSupport): void {
  if (meant === tailnet || (!isTailnetId(meant) && meant === name)) return;
  throw new UsageError(
    `the control plane's answer is the support secret of ${printable(name)} (${printable(tailnet)}), and not of ${meant}: nothing was opened`,
  );
}

function describe(place: AdminPlace, { name, tailnet, nodes, genesis, head, supportKey }: SealedSupport): void {
  const { out } = place.terminal;
  out(
    `The support secret of ${printable(name)} (${printable(tailnet)}) is open. It was sealed to ${printable(supportKey)}.\n`,
  );
  out(`It turns off the lock that began with ${printable(genesis)}; its head is ${printable(head)}.\n`);
  out(`That holds for all ${nodes} nodes: each checks the secret itself, and no signature is asked for afterwards.\n`);
  out(
    "The secret is public from then on. The tailnet's record already says that it was fetched, and will say that it was spent.\n",
  );
}

async function disable(place: AdminPlace, tailnet: string, keyFile: string, confirm: boolean): Promise<void> {
  const privateKey = parseSupportPrivateKey(fileArgument(`file:${keyFile}`));
  if (privateKey === null)
    throw new UsageError(`${keyFile} holds no support key: tailward admin support-key makes one`);
  const sealed = await place.ask("POST", place.path("/lock/support-secret", tailnet), sealedSupport);
  requireMeant(tailnet, sealed);
  const secret = await open(sealed, privateKey);
  describe(place, sealed);
  if (!confirm) {
    place.terminal.out("\nNothing has been turned off yet. If this is right, run the command again with --confirm.\n");
    return;
  }
  // To the very tailnet whose box it was.
  const body = { disablementSecret: encodeHex(secret) };
  await place.ask("POST", place.path("/lock/disable", sealed.tailnet), NOTHING, body);
  place.terminal.out("\nTailnet lock is off.\n");
}

export function addSupport(admin: Command, place: AdminPlace): void {
  admin
    .command("support-key")
    .description("make the key to which support secrets are sealed; run it on a machine of your own")
    .requiredOption("--out <file>", "where the private half goes; it must not be there yet")
    .action(({ out }: { out: string }) => makeKey(place, out));
  admin
    .command("support-disable <tailnet>")
    .description(
      "open a tailnet's support secret and turn its lock off by it; all of its admins are told. " +
        "Name the tailnet by its ID where the control plane itself is not trusted: a name it can give to another",
    )
    .requiredOption("--key <file>", "the private half of the support key")
    .option("--confirm", "do it; without this, only open the secret and say what it would do", false)
    .action((tailnet: string, { key, confirm }: { key: string; confirm: boolean }) =>
      disable(place, tailnet, key, confirm),
    );
}
