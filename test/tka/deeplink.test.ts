/** Signing links: made as Go makes them, checked by [D1] their HMAC, and shown [D2] as they were signed. */

import { describe, expect, test } from "vitest";
import {
  MAX_QUERY_PARAMETERS,
  checkDeeplink,
  formatLockKey,
  makeDeeplink,
  type DeeplinkFields,
} from "../../src/tka/index.ts";
import { idOf, nodeKey, stateOf } from "../support/chains-keys.ts";
import { codeOf, refusal, verdictOf } from "../support/expect-code.ts";

const STATE = stateOf({ alice: 1 });
const FIELDS: DeeplinkFields = {
  nodeKey: nodeKey("n"),
  lockKey: formatLockKey(idOf("lock")),
  deviceName: "Zoë's laptop & co.",
  osName: "linux",
  loginName: "zoe+1@example.com",
};
const LINK = makeDeeplink(STATE, FIELDS);

/** The link with its query changed. */
function withQuery(edit: (query: URLSearchParams) => void): string {
  const query = new URLSearchParams(LINK.slice(LINK.indexOf("?") + 1));
  edit(query);
  return `tailscale://sign-device/v1/?${query.toString()}`;
}

test("a link is Go's, byte for byte", () => {
  expect(LINK).toBe(
    "tailscale://sign-device/v1/?dn=Zo%C3%AB%27s+laptop+%26+co." +
      "&em=zoe%2B1%40example.com" +
      "&hm=a2f8e7ea9ac52d571e47dc704ea6f90ed1a522f0a550c8f5ae4fe6b89601e521" +
      "&nk=nodekey%3A8c6696c86f470cbdca6cefb3a25baf0f13814aff96d62b587e07d76114d12521" +
      "&os=linux" +
      "&tp=tlpub%3Ab606be301859cef4bcbd0a686c5c8d301c0d0831e39c529c70fdfaa976e7c584",
  );
});

describe("a good link", () => {
  test.each<[string, string]>([
    ["as it was made", LINK],
    ["with an upper-case scheme", LINK.replace("tailscale:", "TailScale:")],
    ["with a fragment", `${LINK}#anything`],
    ["with user information", LINK.replace("//", "//user:pass@")],
    ["with parameters of its own besides", `${LINK}&utm=1&empty=&=x`],
    ["with a second value after the first", `${LINK}&os=windows`],
    ["with a parameter that is broken", `${LINK}&bad=%zz&also;bad=1`],
    ["with an HMAC in upper case", withQuery((query) => query.set("hm", (query.get("hm") ?? "").toUpperCase()))],
    ["escaped otherwise", LINK.replace("linux", "%6cinu%78")],
  ])("is taken %s", (_, url) => {
    expect(checkDeeplink(STATE, url)).toEqual(FIELDS);
  });

  test("may lack the system's name, if it was made so", () => {
    const fields = { ...FIELDS, osName: "x" };
    const shifted = makeDeeplink(STATE, { ...fields, deviceName: `${fields.deviceName}y` });
    expect(checkDeeplink(STATE, shifted).osName).toBe("x");
    const query = new URLSearchParams(LINK.slice(LINK.indexOf("?") + 1));
    query.set("dn", `${FIELDS.deviceName}linux`);
    query.delete("os");
    expect(checkDeeplink(STATE, `tailscale://sign-device/v1/?${query.toString()}`).osName).toBe("");
  });

  test("shows bytes that are no UTF-8 as such", () => {
    const query = LINK.replace("Zo%C3%AB", "Zo%C3");
    expect(codeOf(() => checkDeeplink(STATE, query))).toBe("not_authorized");
  });
});

describe("[D1] not_authorized", () => {
  test("a link of another tailnet", () => {
    const other = stateOf({ alice: 1 }, { stateId1: 5n });
    expect(codeOf(() => checkDeeplink(other, LINK))).toBe("not_authorized");
    expect(checkDeeplink(stateOf({ bob: 2 }, { stateId2: 5n }), LINK)).toEqual(FIELDS);
  });

  test.each(["nk", "tp", "dn", "os", "em"])("a link whose %s was changed", (parameter) => {
    const url = withQuery((query) => query.set(parameter, `${query.get(parameter) ?? ""}x`));
    expect(codeOf(() => checkDeeplink(STATE, url))).toBe("not_authorized");
  });

  test("a link whose HMAC was changed, cut or lengthened", () => {
    for (const edit of [
      (mac: string) => `00${mac.slice(2)}`,
      (mac: string) => mac.slice(2),
      (mac: string) => `${mac}00`,
    ]) {
      const url = withQuery((query) => query.set("hm", edit(query.get("hm") ?? "")));
      expect(codeOf(() => checkDeeplink(STATE, url))).toBe("not_authorized");
    }
  });
});

describe("[D2] borders between fields", () => {
  test("may be shifted: what is shown is what was signed, in the fields where it stands now", () => {
    const shifted = withQuery((query) => {
      query.set("dn", `${FIELDS.deviceName}li`);
      query.set("os", "nux");
    });
    expect(checkDeeplink(STATE, shifted)).toEqual({ ...FIELDS, deviceName: `${FIELDS.deviceName}li`, osName: "nux" });
  });
});

describe("malformed_text", () => {
  test.each<[string, string]>([
    ["nothing", ""],
    ["another scheme", LINK.replace("tailscale:", "https:")],
    ["another host", LINK.replace("sign-device", "sign-devices")],
    ["a host in upper case", LINK.replace("sign-device", "SIGN-DEVICE")],
    ["a port", LINK.replace("sign-device", "sign-device:1")],
    ["no authority", LINK.replace("//", "")],
    ["another version", LINK.replace("/v1/", "/v2/")],
    ["no version", LINK.replace("/v1/", "/")],
    ["no path", LINK.replace("/v1/", "")],
    ["a longer path", LINK.replace("/v1/", "/v1/x/")],
    ["a broken escape in the path", LINK.replace("/v1/", "/v1%/")],
    ["a control character", `${LINK}\n`],
    ["a broken escape in the fragment", `${LINK}#%zz`],
    ["no query", LINK.slice(0, LINK.indexOf("?"))],
    ["an HMAC that is no hex", withQuery((query) => query.set("hm", "xyz"))],
    ["an empty HMAC", withQuery((query) => query.set("hm", ""))],
    ["a value with a semicolon", LINK.replace("os=linux", "os=li;nux").replace("nk=", "nk=;")],
    ["a broken escape in a value", LINK.replace("nk=", "nk=%")],
    ["too many parameters", `${LINK}${"&a=1".repeat(MAX_QUERY_PARAMETERS)}`],
  ])("%s", (_, url) => {
    expect(verdictOf(() => checkDeeplink(STATE, url))).toBe("malformed_text");
  });

  test.each(["nk", "tp", "dn", "em", "hm"])("no %s", (parameter) => {
    const url = withQuery((query) => query.delete(parameter));
    expect(codeOf(() => checkDeeplink(STATE, url))).toBe("malformed_text");
  });

  test("takes as many parameters as Go does, and no more", () => {
    const padding = (count: number): string => LINK + "&a=1".repeat(count - 6);
    expect(checkDeeplink(STATE, padding(MAX_QUERY_PARAMETERS))).toEqual(FIELDS);
    expect(codeOf(() => checkDeeplink(STATE, padding(MAX_QUERY_PARAMETERS + 1)))).toBe("malformed_text");
  });
});

describe("invalid_argument: no link is made", () => {
  test.each<[string, Partial<DeeplinkFields>]>([
    ["nodeKey", { nodeKey: "" }],
    ["nodeKey", { nodeKey: "8c6696c8" }],
    ["lockKey", { lockKey: FIELDS.lockKey.replace("tlpub:", "nlpub:") }],
    ["lockKey", { lockKey: "" }],
    ["deviceName", { deviceName: "" }],
    ["osName", { osName: "" }],
    ["loginName", { loginName: "" }],
  ])("without a valid %s", (subject, change) => {
    const { code, data } = refusal(() => makeDeeplink(STATE, { ...FIELDS, ...change }));
    expect([code, data.subject]).toEqual(["invalid_argument", subject]);
  });
});
