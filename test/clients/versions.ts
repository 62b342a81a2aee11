/** The releases of Tailscale's client that are played with, and how each is built. */

export interface Release {
  readonly version: string;
  readonly capability: number;
  /** Build tags. What a tag leaves out is not in the client. */
  readonly tags: readonly string[];
  /** The Go that it wants where the system's is not enough. */
  readonly go: "system" | "newest";
  /** False where its build has no network stack of its own: it needs a kernel TUN. */
  readonly hasNetstack: boolean;
  /** True if it can serve Tailscale SSH. */
  readonly servesSsh: boolean;
}

// The network stack that v1.104.5 wants is not served by the module proxy: it is built without, and without what rests on it.
const NO_STACK = ["ts_omit_netstack", "ts_omit_gro", "ts_omit_tap", "ts_omit_ssh"];

export const RELEASES: readonly Release[] = [
  { version: "v1.104.5", capability: 148, tags: NO_STACK, go: "newest", hasNetstack: false, servesSsh: false },
  { version: "v1.102.5", capability: 142, tags: [], go: "system", hasNetstack: true, servesSsh: true },
  { version: "v1.86.2", capability: 123, tags: [], go: "system", hasNetstack: true, servesSsh: true },
  { version: "v1.68.0", capability: 97, tags: [], go: "system", hasNetstack: true, servesSsh: true },
];
