/**
 * The output of WebSockets against a bare client that sends the same messages in the same run. The peer takes most of the
 * time, so events are also counted by the processor time of whoever sends them.
 *
 * @module
 */

import { createHmac } from "node:crypto";
import { join } from "@std/path";
import { websocketModule } from "../../src/modules/websocket/websocket.ts";
import { OpenOutput } from "../support/open_output.ts";
import { REPOSITORY } from "../support/repository.ts";
import { TempDir } from "../support/temp_dir.ts";
import { verifiedEvent } from "../support/verified_event.ts";
import { WebsocketPeer } from "../support/websocket/peer.ts";
import { type BatchLoad, batchRate } from "./batch_rate.ts";
import { LARGE_BODY, SMALL_BODY } from "./bodies.ts";
import { type Contestant, type LoadOptions, measureInTurn, type Measurement } from "./http_load.ts";
import { medianRow, type OutputRow } from "./output_rows.ts";
import { FLOOR_BATCH, FloorSocket } from "./websocket_floor.ts";

const SECRET = "a secret of the benchmark alone";
const SIZES = [["196 B", SMALL_BODY], ["19 KB", LARGE_BODY]] as const;

const DIRECT: BatchLoad = { events: 40 * FLOOR_BATCH, batch: FLOOR_BATCH, atOnce: 1 };

/** Measures from `POST` to the answer, and then with batches that are handed to the output directly. */
export async function benchWebsocket(options: LoadOptions): Promise<readonly OutputRow[]> {
  const rows: OutputRow[] = [];
  for (const [size, body] of SIZES) rows.push(...await measurePosts(size, body, options));
  return [...rows, await measureBatches(options.rounds)];
}

function configOf(peer: WebsocketPeer): Readonly<Record<string, unknown>> {
  return { url: peer.url("/ack"), allowed_hosts: ["127.0.0.1"], acknowledgement: {} };
}

async function measurePosts(size: string, body: string, options: LoadOptions): Promise<readonly OutputRow[]> {
  await using directory = await TempDir.create();
  const measured: Record<string, Measurement[]> = { gateway: [], floor: [] };
  for (let round = 0; round < options.rounds; round++) {
    for (const name of ["floor", "gateway"]) {
      await using peer = await WebsocketPeer.start();
      const contestant = name === "floor" ? floorOf(body, peer) : await gatewayOf(body, peer, directory);
      measured[name]!.push(...(await measureInTurn([contestant], { ...options, rounds: 1 })).values());
    }
  }
  const rowOf = (what: string, figure: (measurement: Measurement) => number) =>
    medianRow(
      `websocket, ${size}, ${what}`,
      measured["gateway"]!.map(figure),
      measured["floor"]!.map(figure),
    );
  return [
    // The peer is the limit of both.
    { ...rowOf("from POST", ({ requestsPerSecond }) => requestsPerSecond), target: "ceiling" },
    rowOf("by CPU seconds", ({ cpuPer10k }) => 10_000 / cpuPer10k),
  ];
}

/** What both have to do with a request before they deliver it: check its signature, and parse it. */
function signedRequest(body: string): Pick<Contestant, "path" | "body" | "headers"> {
  const signature = createHmac("sha256", SECRET).update(body).digest("hex");
  return { path: "/webhook/default", body, headers: { "X-Signature": signature } };
}

function floorOf(body: string, peer: WebsocketPeer): Contestant {
  const program = join(REPOSITORY, "tests/bench/servers/floor_websocket.ts");
  return { name: "floor", program: [program, "PORT", peer.url("/ack"), SECRET], ...signedRequest(body) };
}

/** A gateway that answers when the peer has acknowledged the event. */
async function gatewayOf(body: string, peer: WebsocketPeer, directory: TempDir): Promise<Contestant> {
  const hmac = { secret: SECRET, header: "X-Signature" };
  const webhook = { module: "websocket", accept: "delivered", hmac, "module-config": configOf(peer) };
  return {
    name: "gateway",
    program: [join(REPOSITORY, "src/main.ts"), "serve"],
    environment: {
      LOG_LEVEL: "warning",
      WEBHOOKS_CONFIG_FILE: await directory.writeJson("webhooks.json", { default: webhook }),
    },
    ...signedRequest(body),
  };
}

async function measureBatches(rounds: number): Promise<OutputRow> {
  await using peer = await WebsocketPeer.start();
  const measured: number[] = [];
  const floor: number[] = [];
  for (let round = 0; round < rounds; round++) {
    floor.push(await bareRate(peer, round));
    measured.push(await outputRate(peer));
  }
  return medianRow(`websocket, batches of ${FLOOR_BATCH}`, measured, floor);
}

async function outputRate(peer: WebsocketPeer): Promise<number> {
  await using output = await OpenOutput.open(websocketModule, undefined);
  const events = Array.from({ length: DIRECT.events }, () => verifiedEvent({ body: SMALL_BODY }));
  return await batchRate(DIRECT, async (start) => {
    const results = await output.deliver(events.slice(start, start + FLOOR_BATCH), configOf(peer));
    if (results.some((result) => result !== "delivered")) throw new Error(String(results[0]));
  });
}

async function bareRate(peer: WebsocketPeer, round: number): Promise<number> {
  using socket = await FloorSocket.open(peer.url("/ack"));
  return await batchRate(DIRECT, async (start) => {
    const messages = Array.from(
      { length: FLOOR_BATCH },
      (_, index) => [`floor-${round}-${start + index}`, SMALL_BODY] as const,
    );
    await socket.send(messages);
  });
}
