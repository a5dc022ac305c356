/** Real etcd servers, and everything that can happen to them. */

import { Buffer } from "node:buffer";
import { ChildProcess } from "../process/child_process.ts";
import { EtcdGateway } from "./gateway.ts";
import { TempDir } from "../temp_dir.ts";
import type { TestCertificates } from "./certificates.ts";

/** How an etcd server is started. */
export interface EtcdServerOptions {
  /** The etcd to run. @default the one of `PATH` */
  readonly program?: string;
  /** Serves clients over TLS with this certificate of {@linkcode TestCertificates}, and its name. */
  readonly tls?: {
    readonly certificates: TestCertificates;
    readonly name: string;
    readonly clientAuth?: boolean;
  };
  /** More command line arguments. */
  readonly args?: readonly string[];
}

/** How a backup is restored. */
export interface RestoreOptions {
  /** As the same cluster, or as a new one. @default false */
  readonly newCluster?: boolean;
  /** More command line arguments of the tool that restores. */
  readonly args?: readonly string[];
}

interface Member {
  readonly name: string;
  readonly clientPort: number;
  readonly peerPort: number;
}

/** One etcd process, restarted on the same ports and data at will. */
export class EtcdServer implements AsyncDisposable {
  readonly #member: Member;
  readonly #cluster: string;
  readonly #directory: TempDir;
  readonly #options: EtcdServerOptions;
  #process: ChildProcess | undefined;
  #data = "data";
  #token = "cwm-test";
  #program: string;
  #hasAuth = false;

  private constructor(member: Member, cluster: string, directory: TempDir, options: EtcdServerOptions) {
    this.#member = member;
    this.#cluster = cluster;
    this.#directory = directory;
    this.#options = options;
    this.#program = options.program ?? "etcd";
  }

  /** Starts a single server and waits until it serves. */
  static async start(options: EtcdServerOptions = {}): Promise<EtcdServer> {
    const [server] = await EtcdServer.#startCluster(1, options);
    return server!;
  }

  /** Starts the members of one cluster. */
  static async startCluster(members: number, options: EtcdServerOptions = {}): Promise<EtcdCluster> {
    return new EtcdCluster(await EtcdServer.#startCluster(members, options));
  }

  static async #startCluster(count: number, options: EtcdServerOptions): Promise<EtcdServer[]> {
    const ports = freePorts(count * 2);
    const members = Array.from({ length: count }, (_, index): Member => {
      return { name: `m${index}`, clientPort: ports[index * 2]!, peerPort: ports[index * 2 + 1]! };
    });
    const cluster = members.map(({ name, peerPort }) => `${name}=http://127.0.0.1:${peerPort}`).join(",");
    const servers = await Promise.all(members.map(async (member) => {
      return new EtcdServer(member, cluster, await TempDir.create(), options);
    }));
    await Promise.all(servers.map((server) => server.restart()));
    return servers;
  }

  /** Adds a member without a vote to the cluster of one that runs, and waits until it serves. */
  static async startLearner(of: EtcdServer): Promise<EtcdServer> {
    const [clientPort = 0, peerPort = 0] = freePorts(2);
    const name = `learner-${peerPort}`;
    const peer = `http://127.0.0.1:${peerPort}`;
    await of.ctl("member", "add", name, "--learner", `--peer-urls=${peer}`);
    const learner = new EtcdServer(
      { name, clientPort, peerPort },
      `${of.#cluster},${name}=${peer}`,
      await TempDir.create(),
      { args: ["--initial-cluster-state", "existing"] },
    );
    learner.#token = of.#token;
    await learner.restart();
    return learner;
  }

  get port(): number {
    return this.#member.clientPort;
  }

  /** What clients are configured with. */
  get endpoint(): string {
    return `${this.#options.tls === undefined ? "http" : "https"}://127.0.0.1:${this.port}`;
  }

  /** Reads and writes past everything that is tested. Not over TLS. */
  get gateway(): EtcdGateway {
    return new EtcdGateway(`http://127.0.0.1:${this.port}`);
  }

  get pid(): number {
    return this.#running.pid;
  }

  get #running(): ChildProcess {
    if (this.#process === undefined) throw new Error("etcd is not running");
    return this.#process;
  }

  /**
   * Starts the server, again or for the first time, and waits until it serves.
   *
   * @param program the etcd to run from now on. @default the one that it ran before
   */
  async restart(program: string = this.#program): Promise<void> {
    await this.kill();
    this.#program = program;
    const { name, clientPort, peerPort } = this.#member;
    const { tls, args = [] } = this.#options;
    const isSingle = !this.#cluster.includes(",");
    const client = `${tls === undefined ? "http" : "https"}://127.0.0.1:${clientPort}`;
    const peer = `http://127.0.0.1:${peerPort}`;
    this.#process = ChildProcess.spawn(program, {
      args: [
        ...["--name", name, "--data-dir", this.#directory.file(this.#data)],
        ...["--listen-client-urls", client, "--advertise-client-urls", client],
        ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
        ...["--initial-cluster", this.#cluster, "--initial-cluster-token", this.#token],
        ...["--logger", "zap", "--log-outputs", "stderr"],
        // A single member has nobody to wait for before it elects itself.
        ...(isSingle
          ? ["--heartbeat-interval", "10", "--election-timeout", "50"]
          : ["--heartbeat-interval", "50", "--election-timeout", "300"]),
        ...tlsArguments(tls),
        ...args,
      ],
    });
    await this.#process.waitForLine(/serving client traffic/);
  }

  /** Ends the server as a power cut does. Its data stays. */
  async kill(): Promise<void> {
    await this.#process?.[Symbol.asyncDispose]();
    this.#process = undefined;
  }

  /** Ends the server as its operator does: it hands over and writes what it holds. */
  async stop(): Promise<void> {
    this.#running.kill("SIGTERM");
    await this.#running.exited;
    this.#process = undefined;
  }

  /** Freezes the server: its sockets stay open and nothing answers. */
  freeze(): void {
    this.#running.kill("SIGSTOP");
  }

  thaw(): void {
    this.#process?.kill("SIGCONT");
  }

  /** Undoes a kill or a freeze. */
  async ensureRunning(): Promise<void> {
    this.thaw();
    if (this.#process === undefined) await this.restart();
  }

  /** Saves a backup and returns its path. */
  async backUp(): Promise<string> {
    const path = this.#directory.file(`backup-${crypto.randomUUID()}`);
    await this.ctl("snapshot", "save", path);
    return path;
  }

  /** Restarts the server with the data of a backup. */
  async restore(backup: string, { newCluster = false, args = [] }: RestoreOptions = {}): Promise<void> {
    await this.kill();
    const { name, peerPort } = this.#member;
    if (newCluster) this.#token = crypto.randomUUID();
    this.#data = `data-${crypto.randomUUID()}`;
    // From 3.6 on, etcdctl restores nothing: it prints its help and exits with 0.
    await runTool(await hasEtcdutl() ? "etcdutl" : "etcdctl", [
      ...["snapshot", "restore", backup, "--name", name, "--data-dir", this.#directory.file(this.#data)],
      ...[
        "--initial-cluster",
        this.#cluster,
        "--initial-advertise-peer-urls",
        `http://127.0.0.1:${peerPort}`,
      ],
      ...["--initial-cluster-token", this.#token],
      ...args,
    ]);
    await this.restart();
  }

  /**
   * Restarts the server with no data at all. It calls itself by the same cluster id as before, as etcd makes
   * that from names and addresses, unless it is to be a new cluster.
   */
  async wipe({ newCluster = false }: { newCluster?: boolean } = {}): Promise<void> {
    await this.kill();
    this.#data = `data-${crypto.randomUUID()}`;
    if (newCluster) this.#token = crypto.randomUUID();
    await this.restart();
  }

  /** Runs `etcdctl` against this server and returns what it prints. */
  async ctl(...args: readonly string[]): Promise<string> {
    const { tls } = this.#options;
    const files = tls === undefined
      ? []
      : ["--cacert", tls.certificates.ca, ...tls.certificates.clientArguments("client")];
    return await runEtcdctl(["--endpoints", this.endpoint, ...files, ...args]);
  }

  /**
   * Switches authentication on: `root` with the password `root`, and `reader` with the password `reader`,
   * who may read the prefix and nothing else.
   */
  async enableAuth(prefix: string): Promise<void> {
    await this.addUsers(prefix);
    await this.setAuth(true);
  }

  /** Adds the users that {@linkcode enableAuth} speaks of. */
  async addUsers(prefix: string): Promise<void> {
    await this.ctl("user", "add", "root:root");
    await this.ctl("user", "grant-role", "root", "root");
    await this.ctl("role", "add", "reader");
    await this.ctl("role", "grant-permission", "--prefix=true", "reader", "read", prefix);
    await this.ctl("user", "add", "reader:reader");
    await this.ctl("user", "grant-role", "reader", "reader");
  }

  /** Switches authentication on or off, once the users exist. */
  async setAuth(enabled: boolean): Promise<void> {
    if (enabled === this.#hasAuth) return;
    await this.ctl(...(enabled ? [] : ["--user", "root:root"]), "auth", enabled ? "enable" : "disable");
    this.#hasAuth = enabled;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.#directory[Symbol.asyncDispose]();
  }
}

/** The members of one cluster. */
export class EtcdCluster implements AsyncDisposable {
  constructor(readonly members: readonly EtcdServer[]) {}

  get endpoints(): string[] {
    return this.members.map(({ endpoint }) => endpoint);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map((member) => member[Symbol.asyncDispose]()));
  }
}

/** @throws {Error} with what `etcdctl` prints when it fails */
export function runEtcdctl(args: readonly string[]): Promise<string> {
  return runTool("etcdctl", args);
}

async function runTool(name: "etcdctl" | "etcdutl", args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(name, {
    args: [...args],
    env: { ETCDCTL_API: "3" },
    stdin: "null",
  }).output();
  const text = Buffer.concat([stdout, stderr]).toString();
  if (!success) throw new Error(`${name} ${args.join(" ")} failed: ${text}`);
  return text;
}

/** etcd brings it from 3.5 on. */
async function hasEtcdutl(): Promise<boolean> {
  try {
    await new Deno.Command("etcdutl", { args: ["snapshot", "--help"], stdout: "null", stderr: "null" })
      .output();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function tlsArguments(tls: EtcdServerOptions["tls"]): string[] {
  if (tls === undefined) return [];
  const { certificates, name, clientAuth = false } = tls;
  return [
    ...["--cert-file", certificates.certificateOf(name), "--key-file", certificates.keyOf(name)],
    ...(clientAuth ? ["--client-cert-auth", "--trusted-ca-file", certificates.ca] : []),
  ];
}

/** Ports that nothing listens on. All are taken at once, so that none is returned twice. */
function freePorts(count: number): number[] {
  const listeners = Array.from({ length: count }, () => Deno.listen({ hostname: "127.0.0.1", port: 0 }));
  const ports = listeners.map(({ addr }) => addr.port);
  for (const listener of listeners) listener.close();
  return ports;
}
