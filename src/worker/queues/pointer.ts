/** Messages of the queues: each is a pointer, and what it means is asked of the tailnet's object [W14]. */

import { ShapeError, type Shape } from "../../protocol/index.ts";

/** What the message points at, or null where it is no pointer of that shape. */
export function pointerIn<T>({ body }: Message, shape: Shape<T>): T | null {
  try {
    return shape(body, "message");
  } catch (error) {
    if (error instanceof ShapeError) return null;
    throw error;
  }
}
