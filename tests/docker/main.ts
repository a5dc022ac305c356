// deno-lint-ignore-file no-console -- prints its results for people
/**
 * `deno task test:docker`: builds the image, runs docker/scenario/05_etcd_namespaces and tests the image, on
 * the Docker engine that `docker` reaches. Without one it says so and fails: nothing was tested.
 *
 * `BUILD_NETWORK=host deno task test:docker` builds where containers cannot reach the npm registry.
 *
 * @module
 */

import { join } from "@std/path";
import { REPOSITORY } from "../support/repository.ts";

const SCENARIO = join(REPOSITORY, "docker/scenario/05_etcd_namespaces");

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
  const scenario = await runScenario();
  if (interrupted) return false;
  console.log();
  const image = await run(Deno.execPath(), ["test", "--allow-all", join(REPOSITORY, "tests/docker")]);
  console.log(`\nScenario ${scenario ? "passed" : "failed"}, image tests ${image ? "passed" : "failed"}`);
  return scenario && image;
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

/** Runs the scenario as its README says, in a project and on a port of its own, and removes everything. */
async function runScenario(): Promise<boolean> {
  const env = {
    COMPOSE_PROJECT_NAME: `cwm-test-${crypto.randomUUID().slice(0, 8)}`,
    RECEIVER_PORT: String(findFreePort()),
  };
  const compose = (...args: readonly string[]) => run("docker", ["compose", ...args], env);
  try {
    return await compose("up", "--detach") &&
      await run("bash", ["seed_etcd.sh"], env) &&
      (await run("bash", ["run_test.sh"], env) || (await compose("logs", "--tail=200"), false));
  } finally {
    await compose("down", "--volumes");
  }
}

async function run(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<boolean> {
  const child = new Deno.Command(program, { args: [...args], env, cwd: SCENARIO, stdin: "null" }).spawn();
  return (await child.status).success;
}

function findFreePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
