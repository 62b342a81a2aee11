/**
 * Where Tailscale's clients find relays, as the deployment gives it: a variable or secret that is a DERP map in JSON, or a value of the configuration
 * file. It is read whole before it is served: what a client cannot decode would cost it its map.
 */

import { ShapeError, readDerpMap, type Outcome } from "../../protocol/index.ts";
import type { ObjectsEnv } from "../env.ts";

const KNOWN = new WeakMap<ObjectsEnv, Outcome<string | null>>();

function read(given: unknown): Outcome<string | null> {
  if (given === undefined || given === null || given === "") return { ok: true, value: null };
  try {
    const value: unknown = typeof given === "string" ? JSON.parse(given) : given;
    return { ok: true, value: readDerpMap(value, "DERP_MAP") };
  } catch (error) {
    const why = error instanceof ShapeError ? error.message : "DERP_MAP: not JSON";
    return {
      ok: false,
      error: { code: "bad_configuration", message: `${why}: set it as docs/native-clients.md says` },
    };
  }
}

/** The DERP map as JSON, or null where there is none; `bad_configuration` where it cannot be read. */
export function derpMapOf(env: ObjectsEnv): Outcome<string | null> {
  const known = KNOWN.get(env) ?? read(env.DERP_MAP);
  KNOWN.set(env, known);
  return known;
}
