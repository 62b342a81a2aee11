/** A node's addresses, as the whole world writes them. */

import { expect, test } from "vitest";
import { addressesOf } from "../../src/durable/node-address.ts";

test.each([
  [1, "100.64.0.1", "fd7a:115c:a1e0::1"],
  [0xffff, "100.64.255.255", "fd7a:115c:a1e0::ffff"],
  [0x10000, "100.65.0.0", "fd7a:115c:a1e0::1:0"],
  [0x1020a, "100.65.2.10", "fd7a:115c:a1e0::1:20a"],
])("node %i", (id, v4, v6) => {
  expect(addressesOf(id)).toEqual([v4, v6]);
});
