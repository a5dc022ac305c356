/**
 * The output of S3 against a bare client that stores the same objects in the same run. The server takes most of the time,
 * so events are also counted by the processor time of whoever sends them.
 *
 * @module
 */

import { createHmac } from "node:crypto";
import { join } from "@std/path";
import { s3Module } from "../../src/modules/aws/s3/s3.ts";
import { BucketDesk } from "../support/aws/buckets.ts";
import { FauxqsProcess } from "../support/aws/fauxqs.ts";
import { KEYS } from "../support/aws/sqs_world.ts";
import { OpenOutput } from "../support/open_output.ts";
import { REPOSITORY } from "../support/repository.ts";
import { TempDir } from "../support/temp_dir.ts";
import { verifiedEvent } from "../support/verified_event.ts";
import { type BatchLoad, batchRate } from "./batch_rate.ts";
import { LARGE_BODY, SMALL_BODY } from "./bodies.ts";
import { type Contestant, type LoadOptions, measureInTurn, type Measurement } from "./http_load.ts";
import { medianRow, type OutputRow } from "./output_rows.ts";
import { FLOOR_OBJECTS, FloorBucket } from "./s3_floor.ts";

const SECRET = "a secret of the benchmark alone";
const SIZES = [["196 B", SMALL_BODY], ["19 KB", LARGE_BODY]] as const;
const KEY = "{event_id}";

const DIRECT: BatchLoad = { events: 5_000, batch: 1, atOnce: FLOOR_OBJECTS };

/** Measures from `POST` to the answer, and then with events that are handed to the output directly. */
export async function benchS3(options: LoadOptions): Promise<readonly OutputRow[]> {
  const rows: OutputRow[] = [];
  for (const [size, body] of SIZES) rows.push(...await measurePosts(size, body, options));
  return [...rows, await measureDirectly(options.rounds)];
}

/** A new server with an empty bucket: it keeps objects in its memory. */
async function startServer(bucket: string): Promise<FauxqsProcess> {
  const server = await FauxqsProcess.start();
  using desk = new BucketDesk({ port: server.port, root: KEYS });
  await desk.makeBucket(bucket);
  return server;
}

async function measurePosts(size: string, body: string, options: LoadOptions): Promise<readonly OutputRow[]> {
  await using directory = await TempDir.create();
  const measured: Record<string, Measurement[]> = { gateway: [], floor: [] };
  for (let round = 0; round < options.rounds; round++) {
    for (const name of ["floor", "gateway"]) {
      await using server = await startServer(name);
      const contestant = name === "floor"
        ? floorOf(body, server.port)
        : await gatewayOf(body, server.port, directory);
      measured[name]!.push(...(await measureInTurn([contestant], { ...options, rounds: 1 })).values());
    }
  }
  const rowOf = (what: string, figure: (measurement: Measurement) => number) =>
    medianRow(`s3, ${size}, ${what}`, measured["gateway"]!.map(figure), measured["floor"]!.map(figure));
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

function floorOf(body: string, port: number): Contestant {
  const program = join(REPOSITORY, "tests/bench/servers/floor_s3.ts");
  return { name: "floor", program: [program, "PORT", `${port}`, "floor", SECRET], ...signedRequest(body) };
}

/** A gateway that answers when S3 has the event. */
async function gatewayOf(body: string, port: number, directory: TempDir): Promise<Contestant> {
  const hmac = { secret: SECRET, header: "X-Signature" };
  const webhook = {
    module: "s3",
    accept: "delivered",
    hmac,
    "module-config": { bucket: "gateway", key: KEY },
  };
  const connection = { type: "s3", endpoint_url: `http://127.0.0.1:${port}`, ...KEYS };
  return {
    name: "gateway",
    program: [join(REPOSITORY, "src/main.ts"), "serve"],
    environment: {
      LOG_LEVEL: "warning",
      WEBHOOKS_CONFIG_FILE: await directory.writeJson("webhooks.json", { default: webhook }),
      CONNECTIONS_CONFIG_FILE: await directory.writeJson("connections.json", { s3: connection }),
    },
    ...signedRequest(body),
  };
}

async function measureDirectly(rounds: number): Promise<OutputRow> {
  const measured: number[] = [];
  const floor: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await using server = await startServer("floor");
    const bucket = new FloorBucket(server.port, "floor");
    const bytes = new TextEncoder().encode(SMALL_BODY);
    floor.push(await batchRate(DIRECT, (start) => bucket.put(`event-${start}`, bytes)));
    await using other = await startServer("gateway");
    measured.push(await outputRate(other.port));
  }
  return medianRow("s3, handed over directly", measured, floor);
}

async function outputRate(port: number): Promise<number> {
  const connection = { endpoint_url: `http://127.0.0.1:${port}`, ...KEYS };
  await using output = await OpenOutput.open(s3Module, connection);
  const events = Array.from({ length: DIRECT.events }, () => verifiedEvent({ body: SMALL_BODY }));
  return await batchRate(DIRECT, async (start) => {
    const [result] = await output.deliver(events.slice(start, start + 1), { bucket: "gateway", key: KEY });
    if (result !== "delivered") throw new Error(String(result));
  });
}
