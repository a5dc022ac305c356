/** Real Redis servers, and what can happen to them. */

import { Buffer } from "node:buffer";
import { Redis } from "ioredis";
import { ChildProcess } from "../process/child_process.ts";
import type { TestCertificates } from "../etcd/certificates.ts";
import { eventually } from "../eventually.ts";
import { RedisSubscription } from "./subscription.ts";
import { TempDir } from "../temp_dir.ts";

/** Another program that speaks Redis' protocol may stand in the variable, as `deno task test:real` does. */
export const SERVER_PROGRAM = Deno.env.get("REDIS_SERVER") ?? "redis-server";

/** How a Redis server is started. */
export interface RedisServerOptions {
  /** What clients must give to be served. Left out: nothing. */
  readonly password?: string;
  /** Serves over TLS, and over nothing else, with this certificate of {@linkcode TestCertificates}. */
  readonly tls?: {
    readonly certificates: TestCertificates;
    readonly name: string;
    /** Lets in only clients with a certificate of the same authority. @default false */
    readonly clientAuth?: boolean;
  };
  /** Memory limit as in `redis.conf`, for example `2mb`; writes beyond it are refused. @default no limit */
  readonly maxmemory?: string;
  /** Follows this server and refuses to be written to. */
  readonly replicaOf?: RedisServer;
  /** Keeps data over restarts. @default true */
  readonly persistent?: boolean;
  /** More command line arguments. */
  readonly args?: readonly string[];
}

/** One Redis process, restarted on the same port and data at will. */
export class RedisServer implements AsyncDisposable {
  readonly port: number;
  readonly #directory: TempDir;
  readonly #options: RedisServerOptions;
  readonly #clients = new Set<Redis>();
  readonly #subscriptions: RedisSubscription[] = [];
  #process: ChildProcess | undefined;
  #admin: Redis | undefined;

  private constructor(port: number, directory: TempDir, options: RedisServerOptions) {
    this.port = port;
    this.#directory = directory;
    this.#options = options;
  }

  /** Starts a server on a free port and waits until it serves. */
  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    const server = new RedisServer(freePort(), await TempDir.create(), options);
    await server.restart();
    return server;
  }

  /** `redis://127.0.0.1:<port>/0`, without TLS and password: what `rq worker --url` takes. */
  get url(): string {
    return `redis://127.0.0.1:${this.port}/0`;
  }

  get pid(): number {
    return this.#running.pid;
  }

  /** A Sentinel that changes the role of a server closes its connections. */
  get #adminClient(): Redis {
    if (this.#admin === undefined || this.#admin.status === "end") this.#admin = this.client();
    return this.#admin;
  }

  get #running(): ChildProcess {
    if (this.#process === undefined) throw new Error("Redis is not running");
    return this.#process;
  }

  /** Starts the server, again or for the first time, and waits until it serves. */
  async restart(): Promise<void> {
    await this.kill();
    this.#process = ChildProcess.spawn(SERVER_PROGRAM, { args: this.#arguments() });
    await this.#process.waitForLine(/Ready to accept connections/);
  }

  /** Ends the server at once. What it has answered to is on disk, unless it is not persistent. */
  async kill(): Promise<void> {
    // The client would wait in vain for the end of a socket that has ended already.
    for (const client of this.#clients) if (client.status !== "end") client.disconnect();
    this.#clients.clear();
    for (const subscription of this.#subscriptions.splice(0)) await subscription[Symbol.asyncDispose]();
    this.#admin = undefined;
    await this.#process?.[Symbol.asyncDispose]();
    this.#process = undefined;
  }

  /**
   * Freezes the server and waits until it stands still: the system still accepts connections for it, and
   * nothing answers.
   */
  async freeze(): Promise<void> {
    const { pid } = this.#running;
    this.#running.kill("SIGSTOP");
    // proc(5): the state follows the name, which stands in parentheses; T is stopped.
    await eventually(async () => (await Deno.readTextFile(`/proc/${pid}/stat`)).includes(") T "));
  }

  thaw(): void {
    this.#process?.kill("SIGCONT");
  }

  /**
   * Runs a command past everything that is tested, and returns its answer with texts as strings.
   *
   *     await redis.call("LRANGE", "rq:queue:default", 0, -1)
   */
  async call(command: string, ...args: readonly (string | number | Uint8Array)[]): Promise<unknown> {
    return await this.#adminClient.call(command, args.map(toArgument));
  }

  /** The same with the answer's strings as bytes. */
  async callForBytes(command: string, ...args: readonly (string | number)[]): Promise<unknown> {
    return await this.#adminClient.callBuffer(command, [...args]);
  }

  /** How many clients are connected besides those of the test itself. */
  async foreignClients(): Promise<number> {
    const list = String(await this.call("CLIENT", "LIST"));
    return list.split("\n").filter((line) => line !== "" && !line.includes("name=cwm-test ")).length;
  }

  /** Collects what is published on a channel from now on, until the server ends. Not over TLS. */
  async subscribe(channel: string): Promise<readonly Uint8Array[]> {
    const subscription = await RedisSubscription.open(this.port, channel, this.#options.password);
    this.#subscriptions.push(subscription);
    return subscription.messages;
  }

  /** A client of the test's own, closed with the server. */
  client(): Redis {
    const { password, tls } = this.#options;
    const client = new Redis({
      port: this.port,
      host: "127.0.0.1",
      connectionName: "cwm-test",
      protocol: 2,
      disableClientInfo: true,
      retryStrategy: () => null,
      ...(password === undefined ? {} : { password }),
      ...(tls === undefined ? {} : { tls: this.#clientTls(tls.certificates) }),
    });
    // The call that fails for it reports it; without a listener the client would print it besides.
    client.on("error", () => {});
    this.#clients.add(client);
    return client;
  }

  /** Waits until a replica holds what its master does. */
  async caughtUp(): Promise<void> {
    await eventually(async () => String(await this.call("INFO", "replication")).includes("link_status:up"));
  }

  /** Waits until this node of a cluster knows that all slots are served. */
  async clusterIsUp(): Promise<void> {
    await eventually(async () => String(await this.call("CLUSTER", "INFO")).includes("cluster_state:ok"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.#directory[Symbol.asyncDispose]();
  }

  #arguments(): string[] {
    const { password, tls, maxmemory, replicaOf, persistent = true, args = [] } = this.#options;
    const ports = tls === undefined ? ["--port", `${this.port}`] : [
      ...["--port", "0", "--tls-port", `${this.port}`],
      ...["--tls-cert-file", tls.certificates.certificateOf(tls.name)],
      ...["--tls-key-file", tls.certificates.keyOf(tls.name)],
      ...["--tls-ca-cert-file", tls.certificates.ca],
      ...["--tls-auth-clients", tls.clientAuth === true ? "yes" : "no"],
    ];
    return [
      ...ports,
      ...["--bind", "127.0.0.1", "--dir", this.#directory.path, "--logfile", "", "--save", ""],
      ...["--appendonly", persistent ? "yes" : "no"],
      // With the default, `everysec`, Redis answers before it writes while an fsync is under way.
      ...["--appendfsync", "always"],
      ...(password === undefined ? [] : ["--requirepass", password, "--masterauth", password]),
      ...(maxmemory === undefined ? [] : ["--maxmemory", maxmemory, "--maxmemory-policy", "noeviction"]),
      ...(replicaOf === undefined ? [] : ["--replicaof", `127.0.0.1 ${replicaOf.port}`]),
      // A replica of a fresh master need not wait for others that might want the same copy.
      ...["--repl-diskless-sync-delay", "0"],
      ...args,
    ];
  }

  #clientTls(certificates: TestCertificates): { ca: string; cert: string; key: string } {
    return {
      ca: Deno.readTextFileSync(certificates.ca),
      cert: Deno.readTextFileSync(certificates.certificateOf("client")),
      key: Deno.readTextFileSync(certificates.keyOf("client")),
    };
  }
}

/** The client knows bytes only as a `Buffer`. */
function toArgument(value: string | number | Uint8Array): string | number | Buffer {
  return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value;
}

/** A port that nothing listens on at the moment. */
export function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}
