/** Real RabbitMQ servers, and everything that can happen to them. */

import { ChildProcess } from "../process/child_process.ts";
import type { TestCertificates } from "../etcd/certificates.ts";
import { eventually } from "../eventually.ts";
import { freezeProcess, killProcesses, thawProcess } from "../postgres/processes.ts";
import { freePort } from "../redis/server.ts";
import { TempDir } from "../temp_dir.ts";

/** Debian's own start, which takes any user; the one on the `PATH` is for root and `rabbitmq` alone. */
const PROGRAMS = "/usr/lib/rabbitmq/bin";

/** The users of servers of tests and their passwords. Only the first may make queues. */
export const RABBITMQ_USERS = {
  guest: "guest",
  writer: "writer-s3cret",
  stranger: "stranger-s3cret",
} as const;

/** What the writer may write to: the default exchange, and names that begin so. */
const WRITABLE = "^(amq\\.default|open\\..*)$";

/** How a RabbitMQ is started. */
export interface RabbitmqServerOptions {
  /** Serves TLS on {@linkcode RabbitmqServer.tlsPort}, too, for clients with a certificate of the same authority. */
  readonly tls?: { readonly certificates: TestCertificates; readonly name: string };
  /** Further lines of `rabbitmq.conf`. */
  readonly settings?: readonly string[];
}

/** Where a server listens, and its files are. */
export interface RabbitmqPlace {
  readonly directory: string;
  readonly port: number;
  /** Of the daemon that knows names of Erlang's nodes, and of the node. */
  readonly epmdPort: number;
  readonly nodePort: number;
}

/** Free ports for a server. */
export function rabbitmqPlace(directory: string): RabbitmqPlace {
  return { directory, port: freePort(), epmdPort: freePort(), nodePort: freePort() };
}

/** The environment of the server's programs, which is all that they look at. */
export function rabbitmqEnvironment(
  { directory, port, epmdPort, nodePort }: RabbitmqPlace,
): Record<string, string> {
  return {
    HOME: directory,
    RABBITMQ_NODENAME: `t${port}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: "127.0.0.1",
    RABBITMQ_NODE_PORT: `${port}`,
    RABBITMQ_DIST_PORT: `${nodePort}`,
    ERL_EPMD_PORT: `${epmdPort}`,
    ERL_EPMD_ADDRESS: "127.0.0.1",
    RABBITMQ_MNESIA_BASE: `${directory}/data`,
    RABBITMQ_LOG_BASE: `${directory}/log`,
    RABBITMQ_CONFIG_FILE: `${directory}/rabbit`,
    RABBITMQ_ENABLED_PLUGINS_FILE: `${directory}/plugins`,
    RABBITMQ_CONF_ENV_FILE: `${directory}/none`,
    RABBITMQ_PID_FILE: `${directory}/pid`,
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-kernel inet_dist_use_interface {127,0,0,1}",
  };
}

/** Writes what a server reads when it starts. */
export async function configureRabbitmq(directory: string, settings: readonly string[] = []): Promise<void> {
  const lines = [
    "log.console = false",
    "vm_memory_high_watermark.absolute = 1GB",
    "disk_free_limit.absolute = 10MB",
    "max_message_size = 4194304",
    `load_definitions = ${directory}/definitions.json`,
    ...settings,
  ];
  await Deno.writeTextFile(`${directory}/rabbit.conf`, `${lines.join("\n")}\n`);
  await Deno.writeTextFile(`${directory}/plugins`, "[].");
  await Deno.writeTextFile(`${directory}/definitions.json`, JSON.stringify(DEFINITIONS));
}

const DEFINITIONS = {
  users: Object.entries(RABBITMQ_USERS).map(([name, password]) => ({ name, password, tags: [] })),
  vhosts: [{ name: "/" }, { name: "a/b %2F" }],
  permissions: [
    ...["/", "a/b %2F"].map((vhost) => permission(vhost, "guest", ".*", ".*")),
    permission("/", "writer", "^$", WRITABLE),
    permission("/", "stranger", "^$", "^$"),
  ],
};

function permission(vhost: string, user: string, configure: string, write: string): Record<string, string> {
  return { vhost, user, configure, write, read: ".*" };
}

/** One RabbitMQ, restarted on the same port and data at will. */
export class RabbitmqServer implements AsyncDisposable {
  readonly tlsPort: number;
  readonly #place: RabbitmqPlace;
  readonly #directory: TempDir;
  #epmd: ChildProcess | undefined;
  #process: ChildProcess | undefined;

  private constructor(directory: TempDir) {
    this.#directory = directory;
    this.#place = rabbitmqPlace(directory.path);
    this.tlsPort = freePort();
  }

  /** Starts a server on free ports and waits until it serves. */
  static async start({ tls, settings = [] }: RabbitmqServerOptions = {}): Promise<RabbitmqServer> {
    await using undo = new AsyncDisposableStack();
    const server = undo.use(new RabbitmqServer(await TempDir.create()));
    const tlsSettings = tls === undefined ? [] : [
      `listeners.ssl.default = ${server.tlsPort}`,
      `ssl_options.cacertfile = ${tls.certificates.ca}`,
      `ssl_options.certfile = ${tls.certificates.certificateOf(tls.name)}`,
      `ssl_options.keyfile = ${tls.certificates.keyOf(tls.name)}`,
      "ssl_options.verify = verify_peer",
      "ssl_options.fail_if_no_peer_cert = true",
    ];
    await configureRabbitmq(server.#directory.path, [...tlsSettings, ...settings]);
    await server.restart();
    undo.move();
    return server;
  }

  get port(): number {
    return this.#place.port;
  }

  /** Starts the server, again or for the first time, and waits until it serves. */
  async restart(): Promise<void> {
    await this.kill();
    const env = rabbitmqEnvironment(this.#place);
    this.#epmd ??= ChildProcess.spawn("epmd", { args: ["-port", `${this.#place.epmdPort}`], env });
    // The server would start one of its own that it does not find, and leave it behind.
    const connect = () => Deno.connect({ hostname: "127.0.0.1", port: this.#place.epmdPort });
    (await eventually(connect)).close();
    this.#process = ChildProcess.spawn(`${PROGRAMS}/rabbitmq-server`, { env });
    await this.#process.waitForLine(/completed with \d+ plugins/, { timeoutMs: 120_000 });
  }

  /** Ends the server at once, as a power cut of its process does. */
  async kill(): Promise<void> {
    const process = this.#process;
    if (process === undefined) return;
    this.#process = undefined;
    await killProcesses([await pidOf(this.#directory.path)]);
    await process[Symbol.asyncDispose]();
  }

  /** Stops the server: connections stay open, new ones are taken by the system, and nothing answers. */
  async freeze(): Promise<void> {
    await freezeProcess(await pidOf(this.#directory.path));
  }

  async thaw(): Promise<void> {
    thawProcess(await pidOf(this.#directory.path));
  }

  /** Runs `rabbitmqctl`, which takes a second. @throws {Error} with its output when it fails */
  control(...args: readonly string[]): Promise<void> {
    return controlRabbitmq(this.#place, args);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.#epmd?.[Symbol.asyncDispose]();
    await this.#directory[Symbol.asyncDispose]();
  }
}

/** Runs `rabbitmqctl` for a server. @throws {Error} with its output when it fails */
export async function controlRabbitmq(place: RabbitmqPlace, args: readonly string[]): Promise<void> {
  await using process = ChildProcess.spawn(`${PROGRAMS}/rabbitmqctl`, {
    args,
    env: rabbitmqEnvironment(place),
  });
  const { success } = await process.exited;
  if (!success) throw new Error(`rabbitmqctl ${args[0]} failed: ${process.output}`);
}

/** The process of a server, which is no direct child of whoever starts it. */
export async function pidOf(directory: string): Promise<number> {
  return await eventually(async () => {
    const pid = Number(await Deno.readTextFile(`${directory}/pid`));
    if (!(pid > 1)) throw new Error("RabbitMQ has not written its pid file yet");
    return pid;
  });
}
