/** Login names: of two people there are two. */

import { expect, test } from "vitest";
import { loginName } from "../../src/protocol/index.ts";

test("a login name is in small letters, and nobody else's by a letter that is not of ASCII", () => {
  expect(loginName("Mike@Example.COM")).toBe("mike@example.com");
  expect(loginName("mi\u212ae@example.com")).toBe("mi\u212ae@example.com");
  expect(loginName("\u0130ris@example.com")).toBe("\u0130ris@example.com");
});
