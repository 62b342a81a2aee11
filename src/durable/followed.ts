/**
 * How a request's ID gets into the objects that it asks [O54]: the Worker gives it as one more argument, after those of the method, with every call; the
 * object takes it off again, and does what it is asked as part of that request. So whatever is logged on the way stands under the ID, in reads and in
 * acts alike, and no method has to pass it on.
 */

import { currentRequest, inRequest } from "./log.ts";

/** No other argument begins so. */
const MARK = "tailward-request:";

type Method = (this: object, ...args: unknown[]) => unknown;

/** The argument that says which request the code that asks is part of; with nothing after the mark where it is part of none. */
export function requestArgument(): string {
  return `${MARK}${currentRequest() ?? ""}`;
}

function following(method: Method): Method {
  return function (this: object, ...args) {
    const last = args.at(-1);
    if (typeof last !== "string" || !last.startsWith(MARK)) return method.apply(this, args);
    const [request, own] = [last.slice(MARK.length), args.slice(0, -1)];
    return request === "" ? method.apply(this, own) : inRequest(request, () => method.apply(this, own));
  };
}

/** Has all methods of a class, those that it inherits up to `base` too, take that argument. To be called once, where the class is defined. */
export function followRequests(of: { readonly prototype: object }, base: { readonly prototype: object }): void {
  for (
    let prototype: object | null = of.prototype;
    prototype !== null && prototype !== base.prototype;
    prototype = Object.getPrototypeOf(prototype) as object | null
  )
    for (const [name, { value, writable }] of Object.entries(Object.getOwnPropertyDescriptors(prototype)))
      if (name !== "constructor" && typeof value === "function" && writable === true)
        Object.defineProperty(prototype, name, { value: following(value as Method), configurable: true, writable });
}
