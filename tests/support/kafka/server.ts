/** A real Kafka protocol server, everything that can happen to it, and a consumer of another make. */

import { join } from "@std/path";
import { ChildProcess } from "../process/child_process.ts";
import { eventually } from "../eventually.ts";
import { type ConsumedRecord, parseRecords, RECORD_FORMAT } from "./records.ts";
import { REPOSITORY } from "../repository.ts";

/** Numbers of requests in the Kafka protocol. */
export const KAFKA_API = { produce: 0, metadata: 3, initProducerId: 22 } as const;

/** Error codes of the Kafka protocol. */
export const KAFKA_ERROR = {
  none: 0,
  unknownTopicOrPartition: 3,
  notLeaderForPartition: 6,
  requestTimedOut: 7,
  messageTooLarge: 10,
  notEnoughReplicas: 19,
  topicAuthorizationFailed: 29,
  invalidTimestamp: 32,
  invalidRecord: 87,
  /** Of librdkafka itself: the server drops the connection. */
  dropConnection: -195,
} as const;

/** Every broker of the cluster. */
const ALL = -1;

/** A cluster of librdkafka's mock brokers, in one process. Their data is in memory, at most 5 MiB a partition. */
export class KafkaServer implements AsyncDisposable {
  private constructor(
    private readonly process: ChildProcess,
    /** `host:port` of each broker, which are numbered from 1. */
    readonly brokers: readonly string[],
    private readonly ordersUrl: string,
  ) {}

  /** Starts the brokers and waits until they serve. */
  static async start({ brokers = 1 }: { readonly brokers?: number } = {}): Promise<KafkaServer> {
    const program = join(REPOSITORY, "tests/support/kafka/mock_cluster.ts");
    await using undo = new AsyncDisposableStack();
    const process = undo.use(ChildProcess.spawn(Deno.execPath(), {
      args: ["run", "--cached-only", "--no-check", "--allow-ffi", "--allow-net", program, String(brokers)],
    }));
    const [, bootstrap = "", port] = await process.waitForLine(/^Serving on (\S+), orders on (\d+)$/);
    undo.move();
    return new KafkaServer(process, bootstrap.split(","), `http://127.0.0.1:${port}`);
  }

  /** What clients are configured with. */
  get bootstrap(): string {
    return this.brokers.join(",");
  }

  get ports(): readonly number[] {
    return this.brokers.map((broker) => Number(broker.split(":")[1]));
  }

  /** The brokers create every topic that is asked for, with 4 partitions: create those that need another number. */
  createTopic(topic: string, partitions = 1): Promise<void> {
    return this.#order("createTopic", topic, partitions, this.brokers.length);
  }

  /** What is answered to the question for a topic's partitions, until it is set to `none`. */
  setTopicError(topic: string, code: number): Promise<void> {
    return this.#order("setTopicError", topic, code);
  }

  setLeader(topic: string, partition: number, broker: number): Promise<void> {
    return this.#order("setLeader", topic, partition, broker);
  }

  /** Fails the next requests of a kind, each with the next code. */
  failRequests(api: number, codes: readonly number[]): Promise<void> {
    return this.#order("failRequests", api, codes);
  }

  clearFailures(api: number): Promise<void> {
    return this.#order("clearFailures", api);
  }

  /** Drops all connections and refuses new ones, as during a restart. Topics and their data stay. */
  takeDown(broker: number = ALL): Promise<void> {
    return this.#order("setDown", broker);
  }

  /** Undoes {@linkcode takeDown}, on the same port. */
  bringUp(broker: number = ALL): Promise<void> {
    return this.#order("setUp", broker);
  }

  /** Delays every answer. */
  setRoundTripTime(milliseconds: number, broker: number = ALL): Promise<void> {
    return this.#order("setRoundTripTime", broker, milliseconds);
  }

  /** Freezes the brokers: their sockets stay open and nothing answers. Resolves when all threads stand still. */
  async freeze(): Promise<void> {
    this.process.kill("SIGSTOP");
    await eventually(async () => {
      const tasks = `/proc/${this.process.pid}/task`;
      for await (const { name } of Deno.readDir(tasks)) {
        if (!/^State:\s+T/m.test(await Deno.readTextFile(`${tasks}/${name}/status`))) return false;
      }
      return true;
    });
  }

  thaw(): void {
    this.process.kill("SIGCONT");
  }

  /** Everything in a topic, read by `kcat` (librdkafka): partition by partition, each in order. */
  async consume(topic: string): Promise<ConsumedRecord[]> {
    const output = await runKcat([
      ...["-C", "-e", "-q", "-b", this.bootstrap, "-t", topic, "-o", "beginning"],
      // The defaults wait for half a second at the end of a partition, and after a failure.
      ...["-X", "fetch.wait.max.ms=1", "-X", "fetch.error.backoff.ms=1", "-f", RECORD_FORMAT],
    ]);
    return parseRecords(output).sort((one, other) =>
      one.partition - other.partition || one.offset - other.offset
    );
  }

  /** How many records a topic has ever had, from its partitions' ends as `kcat` is told them. */
  async countRecords(topic: string, partitions: number): Promise<number> {
    const ends = Array.from({ length: partitions }, (_, partition) => ["-t", `${topic}:${partition}:-1`]);
    const output = new TextDecoder().decode(await runKcat(["-Q", "-b", this.bootstrap, ...ends.flat()]));
    return [...output.matchAll(/ offset (\d+)$/gm)].reduce((sum, [, end]) => sum + Number(end), 0);
  }

  /** Sends one record with `kcat`, with the Java client's choice of partition. */
  async produce(topic: string, key: string, value: string): Promise<void> {
    await runKcat(
      ["-P", "-b", this.bootstrap, "-t", topic, "-k", key, "-X", "partitioner=murmur2_random"],
      value,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
  }

  async #order(operation: string, ...args: unknown[]): Promise<void> {
    const response = await fetch(`${this.ordersUrl}/${operation}`, {
      method: "POST",
      body: JSON.stringify(args),
    });
    const answer = await response.text();
    if (!response.ok) throw new Error(`The brokers failed to ${operation}: ${answer} ${this.process.output}`);
  }
}

/** @throws {Error} with what `kcat` prints when it fails */
async function runKcat(args: readonly string[], input = ""): Promise<Uint8Array> {
  const process = new Deno.Command("kcat", {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = process.output();
  const writer = process.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { success, stdout, stderr } = await output;
  if (!success) throw new Error(`kcat ${args.join(" ")} failed: ${new TextDecoder().decode(stderr)}`);
  return stdout;
}
