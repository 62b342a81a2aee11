/** Text that is sent while it is read, so that neither an object's answer nor the Worker's memory holds all of it. */

const utf8 = new TextEncoder();

/**
 * What `next` gives each time that there is room, until it gives null. Empty text is passed over: where nothing was put into a stream, nobody asks again.
 * Fails where `next` rejects.
 */
export function textStream(next: () => Promise<string | null>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      let text: string | null = "";
      while (text === "") text = await next();
      if (text === null) controller.close();
      else controller.enqueue(utf8.encode(text));
    },
  });
}
