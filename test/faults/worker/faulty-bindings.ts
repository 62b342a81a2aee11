/**
 * The bindings of the Worker with faults in them: what stands behind each is the real one. The product's code is given these instead of its own,
 * and cannot tell.
 */

import { count, switches, type QueueFault } from "./switches.ts";

/** Who uses a binding: calls are counted by it, and only the authority's own are cut. */
export type User = "authority" | "sessions" | "directory" | "worker";

/** Any binding, as far as it is told apart here. */
type Binding = Readonly<Record<string, unknown>>;

type Call = (...args: unknown[]) => unknown;

class InjectedFault extends Error {
  constructor(what: string) {
    super(`injected fault: ${what}`);
  }
}

/** `target` with its functions replaced by what `wrap` makes of them; all else is as it was. */
function wrapped<T extends object>(target: T, wrap: (name: string, call: Call) => Call): T {
  return new Proxy(target, {
    get(inner, name) {
      const member: unknown = Reflect.get(inner, name);
      if (typeof member !== "function" || typeof name !== "string") return member;
      // Called as a member: a stub's method has no other way in.
      return wrap(name, (...args) => (inner as Record<string, Call>)[name]?.(...args));
    },
  });
}

/** The names of the objects of a class that were asked for. */
const named = new Map<string, Set<string>>();

/** Names of the objects reached through a binding since the process began. */
export function namesReached(binding: string): string[] {
  return [...(named.get(binding) ?? [])];
}

function stub(user: User, binding: string, inner: object): object {
  return wrapped(inner, (method, call) => async (...args) => {
    count(`${user}>${binding}.${method}`);
    const isCut = user === "authority" && method === "advance" && binding === "NODE_SESSIONS";
    const fault = isCut ? switches().direct : "none";
    if (fault !== "none") count("direct.failed");
    if (fault === "cut") throw new InjectedFault("the direct call is cut");
    const result = await call(...args);
    if (fault === "lose") throw new InjectedFault("the answer of the direct call is lost");
    return result;
  });
}

function namespace(user: User, binding: string, inner: Binding): Binding {
  return wrapped(inner, (method, call) => (...args) => {
    if (method === "idFromName" || method === "getByName") {
      const names = named.get(binding) ?? new Set();
      named.set(binding, names.add(String(args[0])));
    }
    const result = call(...args);
    return method === "get" || method === "getByName" ? stub(user, binding, result as object) : result;
  });
}

/** Runs a D1 operation under the fault that is on. */
async function inD1(what: string, call: () => unknown): Promise<unknown> {
  count(`D1.${what}`);
  const fault = switches().d1;
  if (fault === "refuse") throw new InjectedFault("D1 refuses");
  const result = await call();
  if (fault === "lose") throw new InjectedFault("the answer of D1 is lost");
  return result;
}

const D1_RUNS = new Set(["run", "all", "first", "raw"]);
/** The statement behind a wrapped one: a batch takes the real ones. */
const bare = new WeakMap<object, object>();

function statement(inner: object): object {
  const outer = wrapped(inner, (method, call) => (...args) => {
    if (method === "bind") return statement(call(...args) as object);
    return D1_RUNS.has(method) ? inD1(method, () => call(...args)) : call(...args);
  });
  bare.set(outer, inner);
  return outer;
}

function database(inner: Binding): Binding {
  return wrapped(inner, (method, call) => (...args) => {
    if (method === "prepare") return statement(call(...args) as object);
    if (method === "withSession") return database(call(...args) as Binding);
    if (method === "exec") return inD1(method, () => call(...args));
    if (method !== "batch") return call(...args);
    const statements = (args[0] as object[]).map((each) => bare.get(each) ?? each);
    return inD1(method, () => call(statements));
  });
}

interface Sent {
  readonly body: unknown;
  readonly delaySeconds?: number;
}

const delay = (seconds: number): number => Math.floor(Math.random() * (seconds + 1));

/** What really goes into the queue where `messages` were sent. Throws where the send is refused. */
function distort(fault: QueueFault, messages: readonly Sent[]): Sent[] {
  switch (fault.kind) {
    case "none":
      return [...messages];
    case "refuse":
      throw new InjectedFault("the queue refuses");
    case "drop":
      return messages.filter(() => Math.random() >= fault.share);
    case "double":
      return [...messages, ...messages].map((each) => ({ ...each, delaySeconds: delay(fault.seconds) }));
  }
}

/** The lane that a queue is of, by the name of its binding. */
function laneOf(binding: string): "sessions" | "record" {
  return /session/i.test(binding) ? "sessions" : "record";
}

function queue(binding: string, inner: Binding): Binding {
  const lane = laneOf(binding);
  const send = async (messages: readonly Sent[], options?: unknown): Promise<void> => {
    count(`queue.${lane}.sent`, messages.length);
    const fault = switches()[lane];
    if (fault.kind === "refuse") count("queue.refused");
    const arriving = distort(fault, messages);
    count(`queue.${lane}.arriving`, arriving.length);
    if (arriving.length > 0) await (inner as unknown as Queue).sendBatch(arriving, options as QueueSendBatchOptions);
  };
  return wrapped(inner, (method, call) => (...args) => {
    if (method === "send") return send([{ body: args[0], ...(args[1] as object | undefined) }]);
    if (method === "sendBatch") return send([...(args[0] as Iterable<Sent>)], args[1]);
    return call(...args);
  });
}

function faulty(user: User, name: string, binding: unknown): unknown {
  if (typeof binding !== "object" || binding === null) return binding;
  const inner = binding as Binding;
  const has = (method: string): boolean => typeof inner[method] === "function";
  if (has("idFromName")) return namespace(user, name, inner);
  if (has("prepare") && has("batch")) return database(inner);
  return has("sendBatch") ? queue(name, inner) : binding;
}

/** The environment with faults in its bindings. */
export function faultyEnv<Env extends object>(env: Env, user: User): Env {
  return Object.fromEntries(Object.entries(env).map(([name, binding]) => [name, faulty(user, name, binding)])) as Env;
}
