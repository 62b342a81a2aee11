#!/usr/bin/env node
/**
 * A receiver of webhooks in one file, for Node 18 and later, with nothing to install: it checks the signature of what it is sent, keeps the heads of
 * the audit log, and prints a line for each event. Where a head is ever another than the one that was kept, somebody has changed the log: it says so, and
 * goes on saying so.
 *
 *   WEBHOOK_SECRET=tskey-webhook-… HEADS=heads.txt PORT=8090 node audit-consumer.mjs
 *
 * `heads.txt` is what to keep: `tailward audit verify LOG --head file:heads.txt` holds an exported log against it.
 */

import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";

const MAX_BODY_BYTES = 1024 * 1024;
/** Seconds by which a signature may be old: what is older was kept by somebody, and is sent again. */
const MAX_AGE_S = 300;

const secret = process.env.WEBHOOK_SECRET ?? "";
const file = process.env.HEADS ?? "";
if (!secret.startsWith("tskey-webhook-")) {
  console.error("set WEBHOOK_SECRET to the secret that was shown when the webhook was made, or rotated");
  process.exit(2);
}

/** What is known of the log: hashes by `<epoch>:<sequence>`. */
const heads = new Map();
if (file !== "" && existsSync(file))
  for (const line of readFileSync(file, "utf8").split("\n")) {
    const [epoch, sequence, hash] = line.split(":");
    if (hash) heads.set(`${epoch}:${sequence}`, hash);
  }
/** Messages that were printed: what comes again is not printed again. */
const printed = new Set();

/** True if one of the signatures in the header is ours: there are several while a new secret takes the place of an old one. */
function isSigned(header, body, now) {
  const parts = String(header ?? "")
    .split(",")
    .map((part) => part.split("="));
  const seconds = parts.find(([name]) => name === "t")?.[1] ?? "";
  if (!/^\d{1,12}$/.test(seconds) || Math.abs(now / 1000 - Number(seconds)) > MAX_AGE_S) return false;
  const wanted = createHmac("sha256", secret).update(`${seconds}.`).update(body).digest();
  return parts.some(([name, hex = ""]) => {
    const given = Buffer.from(hex, "hex");
    return name === "v1" && given.length === wanted.length && timingSafeEqual(given, wanted);
  });
}

/** Keeps a head; false where another one was kept for that place. */
function keep(epoch, sequence, hash) {
  const place = `${epoch}:${sequence}`;
  const known = heads.get(place);
  if (known !== undefined) return known === hash;
  heads.set(place, hash);
  if (file !== "") appendFileSync(file, `${place}:${hash}\n`);
  return true;
}

/** JSON with its members in order: what the hash of an event is over. */
function canonical(value) {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  const members = Object.keys(value).sort();
  return `{${members.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
}

/** The hash that a record of the log should have, after the one before. */
function hashOf(record, previousHash) {
  const { displayName: name, loginName: login, ...actor } = record.actor;
  const fields = [
    record.epoch,
    record.sequence,
    Date.parse(record.eventTime),
    record.kind,
    canonical({ ...actor, name, ...(login === undefined ? {} : { login }) }),
    record.origin,
    canonical(record.target),
    canonical(record.old),
    canonical(record.new),
    record.eventGroupID,
  ];
  return createHash("sha256").update(Buffer.from(previousHash, "hex")).update(JSON.stringify(fields)).digest("hex");
}

/** What is wrong with an event, in words, or null. */
function wrongWith({ epoch, sequence, hash, previousHash, record }) {
  if (record !== undefined && (record.hash !== hash || hashOf(record, previousHash) !== hash))
    return "its hash is not that of what it says";
  if (!keep(epoch, sequence, hash)) return "it is not the event that was there before";
  if (previousHash !== "" && !keep(epoch, sequence - 1, previousHash)) return "the event before it is another by now";
  return null;
}

/** A text on one line: names in it may be anybody's. */
function plain(text) {
  return String(text).replace(/\p{Cc}/gu, "?");
}

function take(event) {
  const wrong = wrongWith(event);
  if (wrong !== null)
    console.error(plain(`THE LOG WAS CHANGED: ${event.epoch}:${event.sequence}: ${wrong} (${event.hash})`));
  const key = `${event.epoch}:${event.sequence}:${event.type}`;
  if (printed.has(key)) return;
  printed.add(key);
  console.log(plain(`${event.timestamp} ${event.tailnet} #${event.sequence} ${event.type}: ${event.message}`));
}

/** The body, or null where it is too long. */
async function read(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function answer(request) {
  if (request.method !== "POST") return 405;
  const body = await read(request);
  if (body === null) return 413;
  if (!isSigned(request.headers["tailscale-webhook-signature"], body, Date.now())) return 401;
  for (const event of JSON.parse(body.toString("utf8"))) take(event);
  return 204;
}

const server = createServer((request, response) => {
  void answer(request)
    .catch((/** @type {unknown} */ error) => {
      console.error(`a message could not be taken: ${plain(error)}`);
      return 500;
    })
    .then((status) => response.writeHead(status).end());
});
server.listen(Number(process.env.PORT ?? 8090), process.env.ADDRESS ?? "127.0.0.1", () => {
  console.log(`listening on port ${server.address().port}, with ${heads.size} heads kept`);
});
