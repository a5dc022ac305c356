/** A cluster of Apache Kafka in processes of its own, and what can happen to it. */

import { type Admin, Kafka } from "kafkajs";
import { ChildProcess } from "../../support/process/child_process.ts";
import { eventually } from "../../support/eventually.ts";
import { type ConsumedRecord, parseRecords, RECORD_FORMAT } from "../../support/kafka/records.ts";
import { TempDir } from "../../support/temp_dir.ts";
import { classPath } from "./installation.ts";

const CLUSTER_ID = "AAAAAAAAAAAAAAAAAAAAAQ";

/** A JVM takes up to a minute to serve on a busy machine, and so may whatever waits for it. */
const PATIENCE = { timeoutMs: 120_000, intervalMs: 100 };

/** How a cluster is made. */
export interface RealKafkaOptions {
  /** Brokers, numbered from 1. The first one is the controller as well. @default 1 */
  readonly brokers?: number;
  /** Lines of `server.properties` for all brokers, besides those that make them a cluster. */
  readonly properties?: Readonly<Record<string, string>>;
  /** A user that may log in at the second door. @default there is no such door */
  readonly login?: { readonly username: string; readonly password: string };
}

/** A topic that is made: its partitions, and which brokers have each of them, the leader first. */
export interface TopicOptions {
  /** @default [[1]] */
  readonly replicas?: readonly (readonly number[])[];
  readonly config?: Readonly<Record<string, string>>;
}

interface Ports {
  readonly plain: number;
  readonly login: number;
}

/** A running cluster. Disposal ends it, frozen brokers as well. */
export class RealKafka implements AsyncDisposable {
  readonly #directory: TempDir;
  readonly #options: RealKafkaOptions;
  readonly #ports: readonly Ports[];
  readonly #controllerPort: number;
  readonly #processes = new Map<number, ChildProcess>();
  #admin: Admin | undefined;

  private constructor(directory: TempDir, options: RealKafkaOptions) {
    this.#directory = directory;
    this.#options = options;
    const count = options.brokers ?? 1;
    this.#ports = Array.from({ length: count }, () => ({ plain: freePort(), login: freePort() }));
    this.#controllerPort = freePort();
  }

  /** Starts the brokers and waits until all of them serve. */
  static async start(options: RealKafkaOptions = {}): Promise<RealKafka> {
    await using undo = new AsyncDisposableStack();
    const directory = undo.use(await TempDir.create());
    const kafka = new RealKafka(directory, options);
    undo.defer(() => kafka.#killAll());
    await Promise.all(kafka.ids.map((id) => kafka.#format(id)));
    await Promise.all(kafka.ids.map((id) => kafka.startBroker(id)));
    undo.move();
    return kafka;
  }

  /** The numbers of all brokers. */
  get ids(): readonly number[] {
    return this.#ports.map((_, index) => index + 1);
  }

  /** What clients are configured with. */
  get bootstrap(): string {
    return this.ids.map((id) => this.addressOf(id)).join(",");
  }

  /** `host:port` of one broker. */
  addressOf(id: number): string {
    return `127.0.0.1:${this.#ports[id - 1]!.plain}`;
  }

  /** Where one has to log in with SCRAM-SHA-512. */
  get loginAddress(): string {
    return `127.0.0.1:${this.#ports[0]!.login}`;
  }

  /** Starts a broker, or starts it again, and waits until it serves. */
  async startBroker(id: number): Promise<void> {
    const process = ChildProcess.spawn("java", {
      args: [
        ...["-Xmx300m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", classPath()],
        ...["kafka.Kafka", this.#configFile(id)],
      ],
    });
    this.#processes.set(id, process);
    let hasEnded = false;
    void process.exited.then(() => hasEnded = true);
    await eventually(async () => {
      if (hasEnded) return;
      const kafka = new Kafka({ brokers: [this.addressOf(id)], retry: { retries: 0 }, logLevel: 0 });
      const admin = kafka.admin();
      try {
        await admin.connect();
        const { brokers } = await admin.describeCluster();
        if (!brokers.some(({ nodeId }) => nodeId === id)) throw new Error("The broker is not registered");
      } finally {
        await admin.disconnect();
      }
    }, PATIENCE);
    if (hasEnded) throw new Error(`Broker ${id} ended: ${process.output.slice(-3000)}`);
  }

  /** Its sockets stay open and nothing answers. */
  freeze(id: number): void {
    this.#processes.get(id)!.kill("SIGSTOP");
  }

  thaw(id: number): void {
    this.#processes.get(id)!.kill("SIGCONT");
  }

  /** Ends a broker, and waits until it is gone. */
  async stop(id: number, signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const process = this.#processes.get(id)!;
    process.kill(signal);
    await process.exited;
  }

  /** Makes a topic, and waits until all of its partitions have a leader. */
  async createTopic(topic: string, { replicas = [[1]], config = {} }: TopicOptions = {}): Promise<void> {
    const admin = await this.admin();
    await admin.createTopics({
      timeout: 60_000,
      waitForLeaders: false,
      topics: [{
        topic,
        replicaAssignment: replicas.map((ids, partition) => ({ partition, replicas: [...ids] })),
        configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
      }],
    });
    await eventually(async () => {
      const leaders = await this.leadersOf(topic);
      return leaders.length === replicas.length && !leaders.includes(-1);
    }, PATIENCE);
  }

  /** The broker that leads each partition; -1 for none. */
  async leadersOf(topic: string): Promise<readonly number[]> {
    const { topics } = await (await this.admin()).fetchTopicMetadata({ topics: [topic] });
    const partitions = topics[0]?.partitions ?? [];
    return partitions.toSorted((a, b) => a.partitionId - b.partitionId).map(({ leader }) => leader);
  }

  /** Gives each partition other replicas, and waits until the first one of each leads it. */
  async moveTo(topic: string, replicas: readonly (readonly number[])[]): Promise<void> {
    const admin = await this.admin();
    await admin.alterPartitionReassignments({
      topics: [{
        topic,
        partitionAssignment: replicas.map((ids, partition) => ({ partition, replicas: [...ids] })),
      }],
      timeout: 60_000,
    });
    await eventually(async () => {
      const leaders = await this.leadersOf(topic);
      return leaders.every((leader, partition) => leader === replicas[partition]![0]);
    }, PATIENCE);
  }

  /** For what has no method here. */
  async admin(): Promise<Admin> {
    if (this.#admin === undefined) {
      const kafka = new Kafka({
        brokers: [this.addressOf(1)],
        requestTimeout: 60_000,
        retry: { retries: 8 },
        logLevel: 0,
      });
      const admin = kafka.admin();
      await admin.connect();
      this.#admin = admin;
    }
    return this.#admin;
  }

  /** Runs one of the programs that come with Kafka, such as `org.apache.kafka.tools.ConfigCommand`. */
  async runTool(program: string, ...args: readonly string[]): Promise<void> {
    await java([program, "--bootstrap-server", this.addressOf(1), ...args]);
  }

  /** Makes a user who may log in, or gives one another password. */
  async addUser(name: string, password: string): Promise<void> {
    await this.#alterUser(name, "--add-config", `SCRAM-SHA-512=[password=${password}]`);
  }

  /** Takes the right to log in away; connections that are open stay so. */
  async deleteUser(name: string): Promise<void> {
    await this.#alterUser(name, "--delete-config", "SCRAM-SHA-512");
  }

  /** Lets a user write to a topic, or do something else with it. */
  async grant(user: string, topic: string, operation: "Write" | "Read" = "Write"): Promise<void> {
    await this.runTool(
      "org.apache.kafka.tools.AclCommand",
      ...["--add", "--allow-principal", `User:${user}`, "--operation", operation, "--topic", topic],
    );
  }

  async #alterUser(name: string, ...change: readonly string[]): Promise<void> {
    const user = ["--entity-type", "users", "--entity-name", name];
    await this.runTool("org.apache.kafka.tools.ConfigCommand", "--alter", ...user, ...change);
  }

  /**
   * Everything in a topic, read by `kcat` (librdkafka).
   *
   * @param from the brokers to begin with. @default all
   */
  async consume(topic: string, from: readonly number[] = this.ids): Promise<ConsumedRecord[]> {
    const bootstrap = from.map((id) => this.addressOf(id)).join(",");
    const { success, stdout, stderr } = await new Deno.Command("kcat", {
      args: [
        ...["-C", "-e", "-q", "-b", bootstrap, "-t", topic, "-o", "beginning"],
        ...["-X", "fetch.wait.max.ms=10", "-X", "fetch.error.backoff.ms=10", "-f", RECORD_FORMAT],
      ],
    }).output();
    if (!success) throw new Error(`kcat failed: ${new TextDecoder().decode(stderr)}`);
    return parseRecords(stdout);
  }

  /** How many records a topic has ever had. */
  async countRecords(topic: string): Promise<number> {
    const offsets = await (await this.admin()).fetchTopicOffsets(topic);
    return offsets.reduce((sum, { high }) => sum + Number(high), 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#admin?.disconnect();
    await this.#killAll();
    await this.#directory[Symbol.asyncDispose]();
  }

  async #killAll(): Promise<void> {
    for (const process of this.#processes.values()) process.kill("SIGCONT");
    await Promise.all([...this.#processes.values()].map((process) => process[Symbol.asyncDispose]()));
  }

  #configFile(id: number): string {
    return this.#directory.file(`server-${id}.properties`);
  }

  async #format(id: number): Promise<void> {
    const { plain, login } = this.#ports[id - 1]!;
    const isController = id === 1;
    const listeners = [`PLAINTEXT://127.0.0.1:${plain}`];
    if (this.#options.login !== undefined) listeners.push(`SASL_PLAINTEXT://127.0.0.1:${login}`);
    const properties: Readonly<Record<string, string>> = {
      "process.roles": isController ? "broker,controller" : "broker",
      "node.id": String(id),
      "controller.quorum.voters": `1@127.0.0.1:${this.#controllerPort}`,
      "listeners": [...listeners, ...(isController ? [`CONTROLLER://127.0.0.1:${this.#controllerPort}`] : [])]
        .join(","),
      "advertised.listeners": listeners.join(","),
      "controller.listener.names": "CONTROLLER",
      "inter.broker.listener.name": "PLAINTEXT",
      "listener.security.protocol.map":
        "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT",
      "log.dirs": this.#directory.file(`data-${id}`),
      "auto.create.topics.enable": "false",
      "offsets.topic.replication.factor": "1",
      "transaction.state.log.replication.factor": "1",
      "transaction.state.log.min.isr": "1",
      // A leader that is not the preferred one is replaced soon.
      "leader.imbalance.check.interval.seconds": "1",
      "leader.imbalance.per.broker.percentage": "0",
      ...(this.#options.login === undefined ? {} : SCRAM),
      ...this.#options.properties,
    };
    const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}`);
    await Deno.writeTextFile(this.#configFile(id), `${lines.join("\n")}\n`);
    const scram = this.#options.login === undefined ? [] : [
      "--add-scram",
      `SCRAM-SHA-512=[name=${this.#options.login.username},password=${this.#options.login.password}]`,
    ];
    await java(["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", this.#configFile(id), ...scram]);
  }
}

const SCRAM = {
  "sasl.enabled.mechanisms": "SCRAM-SHA-512",
  "listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config":
    "org.apache.kafka.common.security.scram.ScramLoginModule required;",
  "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
  // Whoever comes in by the first door.
  "super.users": "User:ANONYMOUS",
};

/** @throws {Error} with what the program prints when it fails */
async function java(args: readonly string[]): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command("java", {
    args: ["-Xmx200m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", classPath(), ...args],
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (!success) throw new Error(`${args[0]} failed: ${text(stdout)} ${text(stderr)}`);
}

/** A port that nobody listens on now. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
