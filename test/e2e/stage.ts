/** The stage of `npm run test:life`: one tailnet, its people by name, and who of them is awake. */

import { formatLockKey } from "../../src/tka/index.ts";
import type { ControlPlane, Tailnet } from "./control-plane.ts";
import { ExpectationFailed, expectSoon } from "./narration.ts";
import { Person } from "./person.ts";
import { expectAllSeeEachOther, isLockedOut, statusText } from "./sights.ts";

export class Stage {
  readonly control: ControlPlane;
  readonly tailnet: Tailnet;
  readonly authKey: string;
  readonly #folder: string;
  readonly #people = new Map<string, Person>();
  /** The disablement secrets of the lock that is on, as they were printed. */
  secrets: readonly string[] = [];

  private constructor(control: ControlPlane, tailnet: Tailnet, authKey: string, folder: string) {
    this.control = control;
    this.tailnet = tailnet;
    this.authKey = authKey;
    this.#folder = folder;
  }

  static async open(control: ControlPlane, folder: string): Promise<Stage> {
    const tailnet = await control.createTailnet("life.example");
    return new Stage(control, tailnet, await control.createAuthKey(tailnet), folder);
  }

  /** The person of that name, who comes in by their first mention. */
  person(name: string): Person {
    const known = this.#people.get(name);
    if (known !== undefined) return known;
    const person = new Person(name, this.#folder);
    this.#people.set(name, person);
    return person;
  }

  people(...names: readonly string[]): Person[] {
    return names.map((name) => this.person(name));
  }

  /** The tailnet lock key of a person's node, once it runs. */
  async lockKeyOf(name: string): Promise<string> {
    const person = this.person(name);
    await expectSoon(
      `${name}'s node runs`,
      async () => (await person.status()) !== null,
      () => Promise.resolve(person.log()),
    );
    return formatLockKey((await person.status())?.lock.PublicKey ?? new Uint8Array(0));
  }

  /** Starts the agents of these people. */
  wake(...names: readonly string[]): void {
    for (const person of this.people(...names)) person.start(this.control.url, this.authKey);
  }

  /** Ends the agents of these people, who can be woken again. */
  async sleep(...names: readonly string[]): Promise<void> {
    await Promise.all(this.people(...names).map((person) => person.stop()));
  }

  expectAllSee(...names: readonly string[]): Promise<void> {
    return expectAllSeeEachOther(this.people(...names));
  }

  /** Waits until each of `by` locks out the person of that name. */
  async expectLockedOut(name: string, ...by: readonly string[]): Promise<void> {
    for (const other of this.people(...by))
      await expectSoon(
        `${other.name} locks out ${name}`,
        () => isLockedOut(this.person(name), other),
        () => statusText(other),
      );
  }

  /** Waits until all of them stand at one head, `head` where it is given. Gives it. */
  async expectOneHead(names: readonly string[], head: string | null = null): Promise<string> {
    const headOf = async (person: Person): Promise<string> => (await person.status())?.lock.Head ?? "none";
    const heads = (): Promise<string[]> => Promise.all(this.people(...names).map(headOf));
    await expectSoon(
      `${names.join(", ")} stand at one head`,
      async () => {
        const all = new Set(await heads());
        return all.size === 1 && !all.has("none") && (head === null || all.has(head));
      },
      async () => (await heads()).join("\n"),
    );
    return (await heads())[0] ?? "none";
  }

  async #lockIsOff(person: Person): Promise<boolean> {
    return (await person.status())?.lock.Enabled === false;
  }

  /** Waits until the lock is off for all of them. */
  async expectOff(...names: readonly string[]): Promise<void> {
    for (const person of this.people(...names))
      await expectSoon(
        `the lock is off at ${person.name}`,
        () => this.#lockIsOff(person),
        () => statusText(person),
      );
  }

  /** How many times the agent of `by` has logged that it locks `name` out. */
  timesLockedOut(name: string, by: string): number {
    return this.person(by)
      .log()
      .split("\n")
      .filter((line) => line.includes(`peer LOCKED OUT: ${name}.`)).length;
  }

  /** A disablement secret that was not spent yet. */
  takeSecret(): string {
    const [secret, ...rest] = this.secrets;
    if (secret === undefined) throw new ExpectationFailed("there is a secret left");
    this.secrets = rest;
    return secret;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#people.values()].map((person) => person.stop()));
  }
}
