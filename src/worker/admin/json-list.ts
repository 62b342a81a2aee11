/**
 * A list of any length as one JSON answer, sent page by page while it is read. The first page is there before anything is sent: what is refused has its
 * status. A stream that fails later is cut, and no JSON.
 */

import { textStream } from "./text-stream.ts";

interface Page {
  /** Where the next page begins; null where there is none. */
  readonly next: number | null;
}

/** `{"name":[…]}`, of what `shown` gives of each page; `read` gives the page from a place on. */
export function jsonList<P extends Page>(
  name: string,
  first: P,
  read: (from: number) => Promise<P>,
  shown: (page: P) => readonly object[],
): ReadableStream<Uint8Array> {
  let page: P | null = first;
  let separator = `{${JSON.stringify(name)}:[`;
  const textOf = (one: P): string =>
    shown(one)
      .map((each) => {
        const text = separator + JSON.stringify(each);
        separator = ",";
        return text;
      })
      .join("");
  return textStream(async () => {
    if (page === null) return null;
    const text = textOf(page);
    const { next }: P = page;
    page = next === null ? null : await read(next);
    if (page !== null) return text;
    return text + (separator === "," ? "]}" : `${separator}]}`);
  });
}
