// Brings what the conformance suite runs: h2spec and a client of Go's golang.org/x/net/http2, into
// .bin, and Debian's nghttp and h2load where the machine has none and we may install. Plain
// JavaScript, and says nothing unless it fails or has to make the user wait.

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const bin = join(here, ".bin");
const H2SPEC = "github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible";
// Where the machine has no Go, the one that the interop suite fetches will do.
const PATH = [process.env.PATH ?? "", join(here, "../interop/.go/bin")].join(delimiter);
const GO_ENV = { ...process.env, PATH, GOBIN: bin, GOFLAGS: "-mod=mod", GOWORK: "off", CGO_ENABLED: "0" };

/** Runs a command quietly; a failure carries all that it printed. */
function run(command, args, options = {}) {
  try {
    execFileSync(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"], maxBuffer: 1 << 26 });
  } catch (error) {
    const said = [error.stdout, error.stderr].map((part) => String(part ?? "")).join("");
    throw new Error(`${command} ${args.join(" ")} failed:\n${said || error.message}`);
  }
}

const has = (program) => spawnSync(program, ["--version"], { stdio: "ignore" }).status === 0;

function buildGoClient() {
  const sources = ["go-client/main.go", "go-client/go.mod"].map((name) => statSync(join(here, name)).mtimeMs);
  const binary = join(bin, "go-client");
  if (existsSync(binary) && sources.every((at) => at <= statSync(binary).mtimeMs)) return;
  run("go", ["build", "-trimpath", "-buildvcs=false", "-o", binary, "."], {
    cwd: join(here, "go-client"),
    env: GO_ENV,
  });
}

function installNghttp2() {
  if (has("nghttp") && has("h2load")) return;
  if (process.getuid?.() !== 0 || !has("apt-get"))
    throw new Error("conformance: needs nghttp and h2load: install the package nghttp2-client");
  process.stderr.write("conformance: installing nghttp2-client (once)\n");
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  run("apt-get", ["update", "-qq"], { env });
  run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "nghttp2-client"], { env });
}

try {
  mkdirSync(bin, { recursive: true });
  if (!existsSync(join(bin, "h2spec"))) run("go", ["install", H2SPEC], { cwd: here, env: GO_ENV });
  buildGoClient();
  installNghttp2();
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
