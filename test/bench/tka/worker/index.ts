/**
 * The benchmark's Worker, with all its work in one object, where the control plane's is: `POST /load` takes the fixtures, `/run/<subject>/<n>`
 * does a subject n times. Ports and Chonk are those of src/durable.
 */

import { DurableObject } from "cloudflare:workers";
import { disablementKdf } from "../../../../src/durable/lock/disablement-kdf.ts";
import { verifier } from "../../../../src/durable/lock/native-verifier.ts";
import { AUTHORITY_MIGRATIONS } from "../../../../src/durable/authority/schema.ts";
import { SqliteChonk } from "../../../../src/durable/lock/sqlite-chonk.ts";
import { Store } from "../../../../src/durable/store.ts";
import { openAuthority, resumeAuthority } from "../../../../src/tka/index.ts";
import type { Fixtures } from "../fixtures.ts";
import { storeChain } from "../stored-chain.ts";
import { SUBJECTS, makeSubject, type Ports, type Subject } from "../subjects.ts";

const CHAIN = 1;

interface Env {
  readonly BENCH: DurableObjectNamespace<Bench>;
}

/** A Chonk that has read nothing yet, over the object's rows: what the first act after an eviction sees. */
function opening(store: Store): Ports["open"] {
  return (chain, how) => {
    store.run("DELETE FROM chains");
    store.run("DELETE FROM aums");
    store.run("INSERT INTO chains (id, genesis, finish_digest, enabled) VALUES (?, '', x'', 0)", CHAIN);
    storeChain(new SqliteChonk(store, CHAIN), chain);
    const openChain = how === "resume" ? resumeAuthority : openAuthority;
    return () => {
      openChain(new SqliteChonk(store, CHAIN));
    };
  };
}

export class Bench extends DurableObject<Env> {
  readonly #ports: Ports;
  readonly #made = new Map<Subject, () => void>();
  #fixtures: Fixtures | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const store = new Store(ctx.storage);
    store.migrate(AUTHORITY_MIGRATIONS);
    this.#ports = {
      verifier,
      kdf: disablementKdf,
      open: opening(store),
    };
  }

  #subject(name: string): () => void {
    const subject = SUBJECTS.find((known) => known === name);
    if (subject === undefined || this.#fixtures === null) throw new Error(`no subject ${name}, or nothing loaded`);
    const once = this.#made.get(subject) ?? makeSubject(subject, this.#fixtures, this.#ports);
    this.#made.set(subject, once);
    return once;
  }

  override async fetch(request: Request): Promise<Response> {
    const [, act = "", subject = "", times = ""] = new URL(request.url).pathname.split("/");
    if (act === "load") {
      this.#fixtures = await request.json<Fixtures>();
      return new Response("loaded");
    }
    const once = this.#subject(subject);
    for (let left = Number(times); left > 0; left--) once();
    return new Response("done");
  }
}

export default {
  fetch: (request, env) => env.BENCH.getByName("bench").fetch(request),
} satisfies ExportedHandler<Env>;
