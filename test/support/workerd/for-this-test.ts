/**
 * Fields of live objects and modules, changed for the running test alone: test files share one runtime, and small tailnets share sessions objects.
 * Nothing else changes such a field.
 */

import { runInDurableObject } from "cloudflare:test";
import { onTestFinished } from "vitest";

/** Sets fields, and gives what sets them back. Both go through setters, where there are any. */
function set<T extends object>(target: T, fields: Partial<T>): (target: T) => void {
  const before = Object.keys(fields).map((name) => [name, name in target, Reflect.get(target, name)] as const);
  Object.assign(target, fields);
  return (later) => {
    for (const [name, was, value] of before)
      if (was) Reflect.set(later, name, value);
      else Reflect.deleteProperty(later, name);
  };
}

/** Sets fields of an object that all tests see, as a module's constants or `env`, until the running test has ended, held or not. */
export function forThisTest<T extends object>(target: T, fields: NoInfer<Partial<T>>): void {
  const back = set(target, fields);
  onTestFinished(() => {
    back(target);
  });
}

/**
 * The same in a Durable Object, in that part of it. An instance made anew meanwhile has what it was made with, which is what the fields are set back
 * to: every test leaves them so.
 */
export async function inItForThisTest<O extends Rpc.DurableObjectBranded, T extends object>(
  stub: DurableObjectStub<O>,
  part: (object: O) => T,
  fields: NoInfer<Partial<T>>,
): Promise<void> {
  const back = await runInDurableObject(stub, (object) => set(part(object), fields));
  onTestFinished(() =>
    runInDurableObject(stub, (object) => {
      back(part(object));
    }),
  );
}
