/**
 * The output of SQS against a bare client that sends the same batches in the same run. The server takes most of the time,
 * so events are also counted by the processor time of whoever sends them.
 *
 * @module
 */

import { createHmac } from "node:crypto";
import { join } from "@std/path";
import { awsSqsModule } from "../../src/modules/aws/sqs/aws_sqs.ts";
import { FauxqsProcess } from "../support/aws/fauxqs.ts";
import { QueueDesk } from "../support/aws/queue_desk.ts";
import { OpenOutput } from "../support/open_output.ts";
import { REPOSITORY } from "../support/repository.ts";
import { TempDir } from "../support/temp_dir.ts";
import { verifiedEvent } from "../support/verified_event.ts";
import { BuildDirectories } from "./against/build_directories.ts";
import type { ComparisonOptions } from "./against/comparables.ts";
import type { Comparable } from "./against/comparison.ts";
import { FLOOR_BATCH, FLOOR_BATCHES, FloorQueue } from "./aws_sqs_floor.ts";
import { type BatchLoad, batchRate } from "./batch_rate.ts";
import { LARGE_BODY, SMALL_BODY } from "./bodies.ts";
import {
  comparableLoad,
  type Contestant,
  type LoadOptions,
  measureInTurn,
  type Measurement,
} from "./http_load.ts";
import { medianRow, type OutputRow } from "./output_rows.ts";

const SECRET = "a secret of the benchmark alone";
const SIZES = [["196 B", SMALL_BODY], ["19 KB", LARGE_BODY]] as const;
const KEYS = { aws_access_key_id: "AKIA", aws_secret_access_key: "s3cret" };

const DIRECT: BatchLoad = { events: 10_000, batch: FLOOR_BATCH, atOnce: FLOOR_BATCHES };

/** Measures from `POST` to the answer, and then with batches that are handed to the output directly. */
export async function benchAwsSqs(options: LoadOptions): Promise<readonly OutputRow[]> {
  await using queues = await BenchQueues.start();
  const rows: OutputRow[] = [];
  for (const [size, body] of SIZES) rows.push(...await measurePosts(size, body, queues, options));
  return [...rows, await measureBatches(queues, options.rounds)];
}

/** With an empty queue for each program that starts. */
export async function compareAwsSqs(
  options: ComparisonOptions,
  resources: AsyncDisposableStack,
): Promise<readonly Comparable[]> {
  const directories = resources.use(new BuildDirectories());
  const queues = resources.use(await BenchQueues.start());
  return SIZES.map(([size, body]) =>
    comparableLoad(`aws_sqs, ${size}, from POST`, options, async (root) => {
      const queue = await queues.renew();
      return await gatewayOf(body, root, queue, queues.port, await directories.of(root));
    })
  );
}

/** A queue at a time: the server keeps messages in its memory. */
class BenchQueues implements AsyncDisposable {
  readonly #server: FauxqsProcess;
  readonly #desk: QueueDesk;
  #url: string | undefined;

  private constructor(server: FauxqsProcess) {
    this.#server = server;
    this.#desk = new QueueDesk(server.port);
  }

  static async start(): Promise<BenchQueues> {
    return new BenchQueues(await FauxqsProcess.start());
  }

  get port(): number {
    return this.#server.port;
  }

  /** The URL of a queue, for which the one before it goes. */
  async renew(): Promise<string> {
    if (this.#url !== undefined) await this.#desk.remove(this.#url);
    return this.#url = await this.#desk.make(QueueDesk.name());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#desk[Symbol.asyncDispose]();
    await this.#server[Symbol.asyncDispose]();
  }
}

async function measurePosts(
  size: string,
  body: string,
  queues: BenchQueues,
  options: LoadOptions,
): Promise<readonly OutputRow[]> {
  await using directory = await TempDir.create();
  const measured: Record<string, Measurement[]> = { gateway: [], floor: [] };
  for (let round = 0; round < options.rounds; round++) {
    for (const name of ["floor", "gateway"]) {
      const queue = await queues.renew();
      const contestant = name === "floor"
        ? floorOf(body, queue, queues.port)
        : await gatewayOf(body, REPOSITORY, queue, queues.port, directory);
      measured[name]!.push(...(await measureInTurn([contestant], { ...options, rounds: 1 })).values());
    }
  }
  const rowOf = (what: string, figure: (measurement: Measurement) => number) =>
    medianRow(`aws_sqs, ${size}, ${what}`, measured["gateway"]!.map(figure), measured["floor"]!.map(figure));
  return [
    // The server is the limit of both.
    { ...rowOf("from POST", ({ requestsPerSecond }) => requestsPerSecond), target: "ceiling" },
    rowOf("by CPU seconds", ({ cpuPer10k }) => 10_000 / cpuPer10k),
  ];
}

/** What both have to do with a request before they deliver it: check its signature, and parse it. */
function signedRequest(body: string): Pick<Contestant, "path" | "body" | "headers"> {
  const signature = createHmac("sha256", SECRET).update(body).digest("hex");
  return { path: "/webhook/default", body, headers: { "X-Signature": signature } };
}

function floorOf(body: string, queueUrl: string, port: number): Contestant {
  const program = join(REPOSITORY, "tests/bench/servers/floor_aws_sqs.ts");
  return { name: "floor", program: [program, "PORT", `${port}`, queueUrl, SECRET], ...signedRequest(body) };
}

/** A gateway that answers when SQS has the event. */
async function gatewayOf(
  body: string,
  root: string,
  queue_url: string,
  port: number,
  directory: TempDir,
): Promise<Contestant> {
  const hmac = { secret: SECRET, header: "X-Signature" };
  const webhook = { module: "aws_sqs", accept: "delivered", hmac, "module-config": { queue_url } };
  const connection = { type: "aws_sqs", endpoint_url: `http://127.0.0.1:${port}`, ...KEYS };
  return {
    name: "gateway",
    program: [join(root, "src/main.ts"), "serve"],
    environment: {
      LOG_LEVEL: "warning",
      WEBHOOKS_CONFIG_FILE: await directory.writeJson("webhooks.json", { default: webhook }),
      CONNECTIONS_CONFIG_FILE: await directory.writeJson("connections.json", { aws_sqs: connection }),
    },
    ...signedRequest(body),
  };
}

async function measureBatches(queues: BenchQueues, rounds: number): Promise<OutputRow> {
  const measured: number[] = [];
  const floor: number[] = [];
  for (let round = 0; round < rounds; round++) {
    floor.push(await bareRate(queues.port, await queues.renew()));
    measured.push(await outputRate(queues.port, await queues.renew()));
  }
  return medianRow(`aws_sqs, batches of ${FLOOR_BATCH}`, measured, floor);
}

async function outputRate(port: number, queue_url: string): Promise<number> {
  const connection = { endpoint_url: `http://127.0.0.1:${port}`, ...KEYS };
  await using output = await OpenOutput.open(awsSqsModule, connection);
  const events = Array.from({ length: DIRECT.events }, () => verifiedEvent({ body: SMALL_BODY }));
  return await batchRate(DIRECT, async (start) => {
    const results = await output.deliver(events.slice(start, start + FLOOR_BATCH), { queue_url });
    if (results.some((result) => result !== "delivered")) throw new Error(String(results[0]));
  });
}

async function bareRate(port: number, queueUrl: string): Promise<number> {
  const queue = new FloorQueue(port, queueUrl);
  const bodies = Array.from({ length: DIRECT.events }, () => SMALL_BODY);
  return await batchRate(DIRECT, async (start) => {
    await queue.send(
      bodies.slice(start, start + FLOOR_BATCH).map((body, index) => [`floor-${start + index}`, body]),
    );
  });
}
