// deno-lint-ignore-file no-console -- tells the person at the terminal what it installs
/** The real servers and clients that tests run against, and how a machine gets them. */

import { join } from "@std/path";

/**
 * Programs that the tests start, and the Debian (or Ubuntu) package that each comes with. A row is all that
 * a new one needs. Tests start them on free ports with data of their own; no system service is used.
 */
export const TEST_SERVERS: Readonly<Record<string, string>> = {
  activemq: "activemq",
  "clickhouse-client": "clickhouse-client",
  "clickhouse-server": "clickhouse-server",
  etcd: "etcd-server",
  etcdctl: "etcd-client",
  haproxy: "haproxy",
  java: "default-jre-headless",
  kcat: "kcat",
  mariadb: "mariadb-client",
  mariadbd: "mariadb-server",
  mosquitto: "mosquitto",
  mosquitto_sub: "mosquitto-clients",
  "nats-server": "nats-server",
  nginx: "nginx-light",
  openssl: "openssl",
  pgbouncer: "pgbouncer",
  pip3: "python3-pip",
  postgres: "postgresql",
  prometheus: "prometheus",
  "prometheus-alertmanager": "prometheus-alertmanager",
  promtool: "prometheus",
  "rabbitmq-server": "rabbitmq-server",
  "redis-server": "redis-server",
  rq: "python3-rq",
  strace: "strace",
  tinyproxy: "tinyproxy-bin",
  wrk: "wrk",
};

/** Files of packages that bring no program, such as libraries of Debian's own Python, which tests run as clients. */
const TEST_LIBRARIES: Readonly<Record<string, string>> = {
  "/usr/lib/python3/dist-packages/botocore/__init__.py": "python3-botocore",
  "/usr/lib/python3/dist-packages/jwt/__init__.py": "python3-jwt",
  "/usr/lib/python3/dist-packages/cryptography/__init__.py": "python3-cryptography",
  "/usr/lib/python3/dist-packages/pika/__init__.py": "python3-pika",
  "/usr/lib/python3/dist-packages/google/auth/__init__.py": "python3-google-auth",
  "/usr/lib/python3/dist-packages/stomp/__init__.py": "python3-stomp",
  "/usr/lib/python3/dist-packages/zmq/__init__.py": "python3-zmq",
  "/usr/lib/python3/dist-packages/requests_oauthlib/__init__.py": "python3-requests-oauthlib",
  "/usr/lib/python3/dist-packages/websockets/__init__.py": "python3-websockets",
};

/** Where Debian puts programs, besides the `PATH`: that of an ordinary user lacks `/usr/sbin`. */
const SYSTEM_DIRECTORIES = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin"];

/** Where Debian puts the programs of PostgreSQL, each version in a folder of its own. */
const POSTGRES_DIRECTORY = "/usr/lib/postgresql";

/** While this file says 101, Debian's packages do not start the services that they bring. */
const POLICY_FILE = "/usr/sbin/policy-rc.d";
const INTERRUPTS = ["SIGINT", "SIGTERM"] as const;
const START_NO_SERVICES = "#!/bin/sh\nexit 101\n";

/** Why the tests cannot run here, with the command that helps. */
export class TestServersMissing extends Error {
  override readonly name = "TestServersMissing";
}

/**
 * Makes sure that every program of the table can be started; installs what is missing where that is allowed.
 *
 * @throws {TestServersMissing} when something is missing and cannot be installed
 */
export async function ensureTestServers(): Promise<void> {
  const packages = await missingPackages();
  if (packages.length === 0) return;
  const command = `apt-get update && apt-get install --yes --no-install-recommends ${packages.join(" ")}`;
  if (await findProgram("apt-get") === undefined) {
    const programs = Object.keys(TEST_SERVERS).filter((program) => packages.includes(TEST_SERVERS[program]!));
    throw new TestServersMissing(
      `The tests need these programs on the PATH: ${programs.join(", ")}. On Debian or Ubuntu: ${command}`,
    );
  }
  if (Deno.uid() !== 0) {
    throw new TestServersMissing(
      `The tests need packages that only root can install. Run: sudo sh -c '${command}'`,
    );
  }
  console.log(`Installing what the tests need: ${packages.join(" ")}`);
  await install(packages);
  const stillMissing = await missingPackages();
  if (stillMissing.length > 0) {
    throw new TestServersMissing(`Cannot install ${stillMissing.join(" ")}. Run: ${command}`);
  }
}

/** The packages of all programs and libraries that are not there, each once. */
async function missingPackages(): Promise<string[]> {
  const missing = new Set<string>();
  for (const [program, packageName] of Object.entries(TEST_SERVERS)) {
    if (await findProgram(program) === undefined) missing.add(packageName);
  }
  for (const [path, packageName] of Object.entries(TEST_LIBRARIES)) {
    if (await modeOf(path) === undefined) missing.add(packageName);
  }
  return [...missing];
}

/** The path of a program that a package of the table brings; `undefined` when it is not there. */
export async function findProgram(name: string): Promise<string | undefined> {
  const path = (Deno.env.get("PATH") ?? "").split(":");
  for (const directory of [...path, ...SYSTEM_DIRECTORIES, ...await postgresDirectories()]) {
    if (directory === "") continue;
    const path = join(directory, name);
    const mode = await modeOf(path);
    if (mode !== undefined && (mode & 0o111) !== 0) return path;
  }
  return undefined;
}

/** The newest version first. */
async function postgresDirectories(): Promise<string[]> {
  const versions: number[] = [];
  try {
    for await (const { name } of Deno.readDir(POSTGRES_DIRECTORY)) versions.push(Number(name));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return versions.sort((a, b) => b - a).map((version) => `${POSTGRES_DIRECTORY}/${version}/bin`);
}

/** The permissions of a file; `undefined` where there is none. */
async function modeOf(path: string): Promise<number | undefined> {
  try {
    const { isFile, mode } = await Deno.stat(path);
    return isFile ? mode ?? 0 : undefined;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory)) throw error;
    return undefined;
  }
}

async function install(packages: readonly string[]): Promise<void> {
  await using _policy = await startNoServices();
  // An update fails when one of several sources is out of order; whether that matters, the install tells.
  await aptGet("update");
  await aptGet("install", "--yes", "--no-install-recommends", ...packages);
}

async function aptGet(...args: string[]): Promise<void> {
  const options = ["--quiet", "-o", "DPkg::Lock::Timeout=300"];
  const { success } = await new Deno.Command("apt-get", {
    args: [...options, ...args],
    env: { DEBIAN_FRONTEND: "noninteractive" },
    stdin: "null",
  }).spawn().status;
  if (!success) console.error(`Failed: apt-get ${args.join(" ")}`);
}

/**
 * Keeps packages from starting their services until disposal. A policy that the machine has already is
 * the operator's (images for containers have one that forbids all) and stays as it is.
 */
async function startNoServices(): Promise<AsyncDisposable> {
  // An interrupt reaches apt-get as well, which ends on it; this process then cleans up and says so.
  const ignore = () => {};
  for (const signal of INTERRUPTS) Deno.addSignalListener(signal, ignore);
  let ours = true;
  try {
    await Deno.writeTextFile(POLICY_FILE, START_NO_SERVICES, { createNew: true, mode: 0o755 });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    ours = false;
  }
  return {
    async [Symbol.asyncDispose]() {
      if (ours) await Deno.remove(POLICY_FILE);
      for (const signal of INTERRUPTS) Deno.removeSignalListener(signal, ignore);
    },
  };
}
