/** Heads of HTTP/1.1 requests, honest and hostile [T9], and what is done with them [T10]. */

import { describe, expect, test } from "vitest";
import {
  Http1Error,
  Http1HeadReader,
  MAX_BODY_BYTES,
  MAX_HEAD_BYTES,
  SWITCHED,
  answerHead,
  chunk,
  connectionTarget,
  hasBody,
  nativeUpgradeOf,
  passedOn,
  plainAnswer,
  type Http1Head,
} from "../../src/protocol/index.ts";
import { decodeUtf8, encodeUtf8 } from "../../src/tka/index.ts";

const HANDSHAKE = "A".repeat(136);

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function parse(text: string): Http1Head {
  const head = new Http1HeadReader().take(bytesOf(text));
  if (head === null) throw new Error("the head is not complete");
  return head;
}

/** The status with which a head is refused. */
function refusal(act: () => unknown): number | null {
  try {
    act();
  } catch (error) {
    if (error instanceof Http1Error) return error.status;
    throw error;
  }
  return null;
}

const head = (...lines: readonly string[]): string => `${lines.join("\r\n")}\r\n\r\n`;
const get = (...fields: readonly string[]): string => head("GET /key?v=142 HTTP/1.1", "Host: c.test", ...fields);
const post = (...fields: readonly string[]): string => head("POST /x HTTP/1.1", "Host: c.test", ...fields);

/** The upgrade, as Go's client sends it. */
const UPGRADE = [
  "POST /ts2021 HTTP/1.1",
  "Host: c.test:8790",
  "User-Agent: Go-http-client/1.1",
  "Content-Length: 0",
  "Connection: upgrade",
  "Upgrade: tailscale-control-protocol",
  `X-Tailscale-Handshake: ${HANDSHAKE}`,
] as const;

describe("an honest head", () => {
  test("is read", () => {
    expect(parse(get("Accept:  a, b ", "X-Empty:"))).toEqual({
      method: "GET",
      target: "/key?v=142",
      host: "c.test",
      fields: [
        ["host", "c.test"],
        ["accept", "a, b"],
        ["x-empty", ""],
      ],
      bodyLength: 0,
    });
    expect(parse(post("Content-Length: 12")).bodyLength).toBe(12);
  });

  test("may come in any pieces, and what follows it is kept", () => {
    const bytes = bytesOf(`${get()}rest`);
    for (let size = 1; size <= bytes.length; size++) {
      const reader = new Http1HeadReader();
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => i * size);
      const ends = pieces.findIndex((from) => reader.take(bytes.subarray(from, from + size)) !== null);
      const at = (ends + 1) * size;
      expect([reader.rest, bytes.subarray(at)].map(decodeUtf8).join("")).toBe("rest");
    }
  });

  test("is not complete before its empty line", () => {
    expect(new Http1HeadReader().take(bytesOf(get().slice(0, -1)))).toBeNull();
  });
});

describe("a hostile head [T9]", () => {
  test.each<[string, string, number]>([
    ["bare line feeds", "GET / HTTP/1.1\nHost: c.test\n\r\n\r\n", 400],
    ["a bare line feed in a value", get("A: b\nContent-Length: 5"), 400],
    ["a bare carriage return", get("A: b\rTransfer-Encoding: chunked"), 400],
    ["a NUL", get("A: \0"), 400],
    ["a byte above ASCII", get("A: \u00e9"), 400],
    ["a folded line", get("A: b", " c"), 400],
    ["white space before the colon", get("Content-Length : 5"), 400],
    ["a line without a colon", get("A"), 400],
    ["an empty name", get(": b"), 400],
    ["an empty line first", `\r\n${get()}`, 400],
    ["no host", head("GET / HTTP/1.1"), 400],
    ["two hosts", get("Host: d.test"), 400],
    ["a host that is none", head("GET / HTTP/1.1", "Host: c.test/x"), 400],
    ["an absolute target", head("GET http://c.test/ HTTP/1.1", "Host: c.test"), 400],
    ["a target with a space", head("GET /a b HTTP/1.1", "Host: c.test"), 400],
    ["an asterisk", head("OPTIONS * HTTP/1.1", "Host: c.test"), 400],
    ["a method in lower case", head("get / HTTP/1.1", "Host: c.test"), 400],
    ["a method that opens a tunnel", head("CONNECT /x HTTP/1.1", "Host: c.test"), 501],
    ["a host whose port is none", head("GET / HTTP/1.1", "Host: c.test:x"), 400],
    ["HTTP/1.0", head("GET / HTTP/1.0", "Host: c.test"), 505],
    ["HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\n", 400],
    ["two lengths", post("Content-Length: 5", "Content-Length: 6"), 400],
    ["two equal lengths", post("Content-Length: 5", "content-length: 5"), 400],
    ["lengths in a list", post("Content-Length: 5, 5"), 400],
    ["a signed length", post("Content-Length: +5"), 400],
    ["a length in hex", post("Content-Length: 0x5"), 400],
    ["an empty length", post("Content-Length:"), 400],
    ["a length past the limit", post(`Content-Length: ${MAX_BODY_BYTES + 1}`), 413],
    ["an encoding", post("Transfer-Encoding: chunked"), 501],
    ["an encoding and a length", post("Content-Length: 5", "Transfer-Encoding: chunked"), 501],
    ["an odd encoding", post("transfer-encoding: \tidentity"), 501],
    ["a body of a GET", get("Content-Length: 1"), 400],
    ["a question before the body", post("Content-Length: 1", "Expect: 100-continue"), 417],
    ["a hundred and one fields", get(...Array.from({ length: 100 }, (_, i) => `A${i}: b`)), 431],
  ])("with %s is refused", (_, text, status) => {
    expect(refusal(() => parse(text))).toBe(status);
  });

  test("at the limits is read: a hundred fields, a body of the largest size", () => {
    expect(parse(get(...Array.from({ length: 99 }, (_, i) => `A${i}: b`))).fields).toHaveLength(100);
    expect(parse(post(`Content-Length: ${MAX_BODY_BYTES}`)).bodyLength).toBe(MAX_BODY_BYTES);
  });

  test("may fill its limit, and no more", () => {
    const filled = (extra: number): string => get(`A: ${"b".repeat(MAX_HEAD_BYTES - get("A: ").length + extra)}`);
    expect(filled(0)).toHaveLength(MAX_HEAD_BYTES);
    expect(parse(filled(0)).fields).toHaveLength(2);
    expect(refusal(() => parse(filled(1)))).toBe(431);
  });

  test("that never ends is refused once it has filled its limit, byte by byte", () => {
    const reader = new Http1HeadReader();
    const one = bytesOf("a");
    for (let i = 1; i < MAX_HEAD_BYTES; i++) expect(reader.take(one)).toBeNull();
    expect(refusal(() => reader.take(one))).toBe(431);
  });

  test("is repeated by no refusal", () => {
    for (const text of [get("secret"), head("GET secret HTTP/1.1", "Host: c"), post("Content-Length: secret")])
      expect(() => parse(text)).toThrow(/^(?![^]*secret)/);
  });
});

describe("the native upgrade", () => {
  test("is known, and its handshake", () => {
    expect(nativeUpgradeOf(parse(head(...UPGRADE)))).toBe(HANDSHAKE);
    expect(connectionTarget("a+/=")).toBe("/ts2021?X-Tailscale-Handshake=a%2B%2F%3D");
  });

  test.each<[string, readonly string[]]>([
    ["a GET of the key", ["GET /key HTTP/1.1", "Host: c"]],
    ["another path", ["POST /ts2021x HTTP/1.1", ...UPGRADE.slice(1)]],
    ["no upgrade", UPGRADE.filter((line) => !line.startsWith("Upgrade"))],
    ["another upgrade", UPGRADE.map((line) => line.replace("tailscale-control-protocol", "websocket"))],
  ])("%s is none", (_, lines) => {
    expect(nativeUpgradeOf(parse(head(...lines)))).toBeNull();
  });

  test.each<[string, readonly string[]]>([
    ["a GET", ["GET /ts2021 HTTP/1.1", ...UPGRADE.slice(1)]],
    ["a body", UPGRADE.map((line) => line.replace("Length: 0", "Length: 1"))],
    ["no word of its connection", UPGRADE.filter((line) => !line.startsWith("Connection"))],
    ["no handshake", UPGRADE.slice(0, -1)],
    ["two handshakes", [...UPGRADE, `X-Tailscale-Handshake: ${HANDSHAKE}`]],
    ["a short handshake", UPGRADE.map((line) => line.replace("AAAA", ""))],
    ["a handshake that is no base64", UPGRADE.map((line) => line.replace("AAAA", "A&x="))],
  ])("with %s is refused", (_, lines) => {
    expect(refusal(() => nativeUpgradeOf(parse(head(...lines))))).toBe(400);
  });
});

describe("what goes on [T10]", () => {
  test("is what is not of the connection, nor named by it", () => {
    const { fields } = parse(
      post("Connection: keep-alive, X-Hop", "X-Hop: 1", "Keep-Alive: 5", "TE: gzip", "Accept: a"),
    );
    expect(passedOn(fields)).toEqual([["accept", "a"]]);
  });

  test("of an answer, in chunks", () => {
    const fields = new Headers({
      "content-type": "text/plain",
      "content-length": "3",
      connection: "x-hop",
      "x-hop": "1",
    });
    const text =
      "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n";
    expect(decodeUtf8(answerHead(200, fields, true))).toBe(text);
    expect(decodeUtf8(answerHead(204, [], false))).toBe("HTTP/1.1 204 Answered\r\nconnection: close\r\n\r\n");
    expect(decodeUtf8(chunk(new Uint8Array(26).fill(0x61)))).toBe(`1a\r\n${"a".repeat(26)}\r\n`);
    expect(decodeUtf8(chunk(new Uint8Array(0)))).toBe("0\r\n\r\n");
    expect([hasBody("GET", 200), hasBody("HEAD", 200), hasBody("GET", 204), hasBody("GET", 304)]).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  test("of our own", () => {
    expect(decodeUtf8(plainAnswer(400, "nö\n"))).toBe(
      "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 4\r\nconnection: close\r\n\r\nnö\n",
    );
    expect(SWITCHED).toEqual(
      encodeUtf8(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: tailscale-control-protocol\r\nConnection: upgrade\r\n\r\n",
      ),
    );
  });
});
