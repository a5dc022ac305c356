// deno-lint-ignore-file no-console -- prints its results for people
/**
 * `deno task test:docker`: builds the image, runs the scenarios of docker/scenario/ and tests the image and the units
 * of systemd, on the Docker engine that `docker` reaches. Without one it says so and fails: nothing was tested.
 *
 * `deno task test:docker 06_two_gateways` runs one scenario alone.
 * `BUILD_NETWORK=host deno task test:docker` builds where containers cannot reach the npm registry.
 *
 * @module
 */

import { join } from "@std/path";
import { REPOSITORY } from "../support/repository.ts";

/** The scenarios: what their READMEs say to run before `run_test.sh`, and the variables of their ports. */
const SCENARIOS: Readonly<Record<string, Scenario>> = {
  "05_etcd_namespaces": { seed: ["seed_etcd.sh"], ports: ["RECEIVER_PORT"] },
  "06_two_gateways": { seed: [], ports: ["LEDGER_PORT", "GATEWAYS_PORT"] },
};

interface Scenario {
  readonly seed: readonly string[];
  readonly ports: readonly string[];
}

// Ctrl-C also reaches the step that is under way and ends it; what was started must still be removed.
let interrupted = false;
Deno.addSignalListener("SIGINT", () => interrupted = true);

Deno.exit(await main() ? 0 : 1);

async function main(): Promise<boolean> {
  const missing = await findMissing();
  if (missing !== undefined) {
    console.error(`Nothing was tested: ${missing}`);
    return false;
  }
  const chosen = Object.entries(SCENARIOS).filter(([name]) =>
    Deno.args.length === 0 || Deno.args.includes(name)
  );
  const results: (readonly [what: string, passed: boolean])[] = [];
  for (const [name, scenario] of chosen) {
    results.push([`scenario ${name}`, await runScenario(name, scenario)]);
    if (interrupted) return false;
    console.log();
  }
  if (Deno.args.length === 0) {
    const directory = join(REPOSITORY, "tests/docker");
    results.push(["image tests", await run(directory, Deno.execPath(), ["test", "--allow-all", directory])]);
  }
  for (const [what, passed] of results) console.log(`${passed ? "passed" : "FAILED"}  ${what}`);
  return results.length > 0 && results.every(([, passed]) => passed);
}

/** Says what is needed and not there. */
async function findMissing(): Promise<string | undefined> {
  if (!await answers(["version", "--format", "{{.Server.Version}}"])) {
    return "no Docker engine answers. Start one, or name one with DOCKER_HOST";
  }
  if (!await answers(["compose", "version"])) return "docker has no compose plugin";
  return undefined;
}

async function answers(args: readonly string[]): Promise<boolean> {
  try {
    return (await new Deno.Command("docker", { args: [...args] }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Runs a scenario as its README says, in a project and on ports of its own, and removes everything. */
async function runScenario(name: string, { seed, ports }: Scenario): Promise<boolean> {
  const directory = join(REPOSITORY, "docker/scenario", name);
  const env = {
    COMPOSE_PROJECT_NAME: `cwm-test-${crypto.randomUUID().slice(0, 8)}`,
    ...Object.fromEntries(ports.map((port) => [port, String(findFreePort())])),
  };
  const compose = (...args: readonly string[]) => run(directory, "docker", ["compose", ...args], env);
  const script = (file: string) => run(directory, "bash", [file], env);
  try {
    if (!await compose("up", "--detach")) return false;
    for (const file of seed) if (!await script(file)) return false;
    return await script("run_test.sh") || (await compose("logs", "--tail=200"), false);
  } finally {
    await compose("down", "--volumes");
  }
}

async function run(
  cwd: string,
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<boolean> {
  const child = new Deno.Command(program, { args: [...args], env, cwd, stdin: "null" }).spawn();
  return (await child.status).success;
}

function findFreePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
