/** The examples of RFC 7541, appendix C, decoded: each with the fields it holds, and the table after it [H51]. */

import { describe, expect, test } from "vitest";
import { HpackDecoder } from "../../src/protocol/hpack-decoder.ts";
import type { HpackField } from "../../src/protocol/hpack-static-table.ts";
import { fieldSize } from "../../src/protocol/hpack-table.ts";

const ENOUGH = { size: 16_384, count: 100 };

interface Step {
  readonly block: string;
  readonly fields: readonly HpackField[];
  /** The dynamic table afterwards, the newest first, and its size. */
  readonly table: readonly HpackField[];
  readonly size: number;
}

function bytes(hex: string): Uint8Array {
  return Uint8Array.from(hex.replaceAll(/\s/g, "").match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

const AUTHORITY: HpackField = [":authority", "www.example.com"];
const NO_CACHE: HpackField = ["cache-control", "no-cache"];
const CUSTOM: HpackField = ["custom-key", "custom-value"];
const GET: readonly HpackField[] = [[":method", "GET"], [":scheme", "http"], [":path", "/"], AUTHORITY];

/** C.3 and C.4: the same requests, without Huffman coding and with it. */
function requests(...[first = "", second = "", third = ""]: readonly string[]): Step[] {
  const secure: readonly HpackField[] = [[":method", "GET"], [":scheme", "https"], [":path", "/index.html"], AUTHORITY];
  return [
    { block: first, fields: GET, table: [AUTHORITY], size: 57 },
    { block: second, fields: [...GET, NO_CACHE], table: [NO_CACHE, AUTHORITY], size: 110 },
    { block: third, fields: [...secure, CUSTOM], table: [CUSTOM, NO_CACHE, AUTHORITY], size: 164 },
  ];
}

/** C.5 and C.6: the same responses in a table of 256 octets, so that entries go. */
function responses(...[first = "", second = "", third = ""]: readonly string[]): Step[] {
  const found: HpackField = [":status", "302"];
  const moved: HpackField = [":status", "307"];
  const secret: HpackField = ["cache-control", "private"];
  const date: HpackField = ["date", "Mon, 21 Oct 2013 20:13:21 GMT"];
  const later: HpackField = ["date", "Mon, 21 Oct 2013 20:13:22 GMT"];
  const place: HpackField = ["location", "https://www.example.com"];
  const gzip: HpackField = ["content-encoding", "gzip"];
  const cookie: HpackField = ["set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"];
  return [
    { block: first, fields: [found, secret, date, place], table: [place, date, secret, found], size: 222 },
    { block: second, fields: [moved, secret, date, place], table: [moved, place, date, secret], size: 222 },
    {
      block: third,
      fields: [[":status", "200"], secret, later, place, gzip, cookie],
      table: [cookie, gzip, later],
      size: 215,
    },
  ];
}

const SERIES: readonly (readonly [name: string, capacity: number, steps: readonly Step[]])[] = [
  [
    "C.2.1",
    4096,
    [
      {
        block: "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
        fields: [["custom-key", "custom-header"]],
        table: [["custom-key", "custom-header"]],
        size: 55,
      },
    ],
  ],
  [
    "C.2.2",
    4096,
    [{ block: "040c 2f73 616d 706c 652f 7061 7468", fields: [[":path", "/sample/path"]], table: [], size: 0 }],
  ],
  [
    "C.2.3",
    4096,
    [{ block: "1008 7061 7373 776f 7264 0673 6563 7265 74", fields: [["password", "secret"]], table: [], size: 0 }],
  ],
  ["C.2.4", 4096, [{ block: "82", fields: [[":method", "GET"]], table: [], size: 0 }]],
  [
    "C.3",
    4096,
    requests(
      "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
      "8286 84be 5808 6e6f 2d63 6163 6865",
      "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
    ),
  ],
  [
    "C.4",
    4096,
    requests(
      "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
      "8286 84be 5886 a8eb 1064 9cbf",
      "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
    ),
  ],
  [
    "C.5",
    256,
    responses(
      `4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133
       2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d`,
      "4803 3330 37c1 c0bf",
      `88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970
       7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61
       6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31`,
    ),
  ],
  [
    "C.6",
    256,
    responses(
      `4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad
       1718 63c7 8f0b 97c8 e9ae 82ae 43d3`,
      "4883 640e ffc1 c0bf",
      `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2
       e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07`,
    ),
  ],
];

describe("RFC 7541", () => {
  test.each(SERIES)("%s", (_, capacity, steps) => {
    const decoder = new HpackDecoder({ limit: capacity, capacity, entries: [] });
    for (const { block, fields, table, size } of steps) {
      expect(decoder.decode(bytes(block), ENOUGH)).toEqual(fields);
      expect(decoder.state.entries).toEqual(table);
      expect(decoder.state.entries.reduce((sum, entry) => sum + fieldSize(entry), 0)).toBe(size);
    }
  });

  // C.1: integers. Here as the length of a name, or the size of a table.
  test("C.1.2: 1337 in five bits is a size", () => {
    const decoder = new HpackDecoder();
    decoder.decode(bytes("3f9a0a"), ENOUGH);
    expect(decoder.state.capacity).toBe(1337);
  });
});
