/**
 * The `zeromq` output against a `DEALER` of a few lines in the same run, with a peer that answers and keeps nothing.
 *
 * @module
 */

import { join } from "@std/path";
import { zeromqModule } from "../../src/modules/zeromq/zeromq.ts";
import { ZeromqPeer } from "../support/zeromq/peer.ts";
import { OpenOutput } from "../support/open_output.ts";
import { REPOSITORY } from "../support/repository.ts";
import { TempDir } from "../support/temp_dir.ts";
import { verifiedEvent } from "../support/verified_event.ts";
import { BuildDirectories } from "./against/build_directories.ts";
import type { ComparisonOptions } from "./against/comparables.ts";
import type { Comparable } from "./against/comparison.ts";
import { type BatchLoad, batchRate } from "./batch_rate.ts";
import { SMALL_BODY } from "./bodies.ts";
import { comparableLoad, type Contestant, type LoadOptions, measureInTurn } from "./http_load.ts";
import { FloorDealer } from "./zeromq_floor.ts";
import { medianRow, type OutputRow } from "./output_rows.ts";

/** As the gateway hands them over, and how many at once. */
const BATCH = 64;
const EVENTS = 32 * 1024;
const DIRECT: BatchLoad = { events: EVENTS, batch: BATCH, atOnce: 2 };

/**
 * Measures from `POST` at a gateway process to the answer, which comes after the peer has answered, and then with
 * batches that are handed to the output directly. Both by the processor time of 10,000, and by rate.
 */
export async function benchZeromq(options: LoadOptions): Promise<readonly OutputRow[]> {
  await using peer = await startPeer();
  await using directory = await TempDir.create();
  const program = join(REPOSITORY, "tests/bench/servers/floor_zeromq.ts");
  const floor: Contestant = {
    name: "floor",
    program: [program, "PORT", `${peer.port}`],
    path: "/webhook/default",
    body: SMALL_BODY,
  };
  const gateway = await gatewayOf(REPOSITORY, peer, directory);
  const measured = await measureInTurn([floor, gateway], options);
  const rateOf = (name: string) => measured.get(name)!.requestsPerSecond;
  const costOf = (name: string) => 10_000 / measured.get(name)!.cpuPer10k;
  return [
    {
      name: "zeromq, from POST",
      eventsPerSecond: rateOf("gateway"),
      floorEventsPerSecond: rateOf("floor"),
    },
    {
      name: "zeromq, from POST, by CPU",
      eventsPerSecond: costOf("gateway"),
      floorEventsPerSecond: costOf("floor"),
    },
    await measureBatches(peer, options.rounds),
  ];
}

/** A peer that answers, and keeps nothing: what it writes would be the most of its work. */
function startPeer(): Promise<ZeromqPeer> {
  return ZeromqPeer.start({ kind: "ROUTER", keeps: false });
}

/** From `POST` to the answer, with one peer for all builds. */
export async function compareZeromq(
  options: ComparisonOptions,
  resources: AsyncDisposableStack,
): Promise<readonly Comparable[]> {
  const directories = resources.use(new BuildDirectories());
  const peer = resources.use(await startPeer());
  return [
    comparableLoad(
      "zeromq, from POST",
      options,
      async (root) => await gatewayOf(root, peer, await directories.of(root)),
    ),
  ];
}

/** A gateway that answers when the peer has answered. */
async function gatewayOf(root: string, { endpoint }: ZeromqPeer, directory: TempDir): Promise<Contestant> {
  const webhook = { module: "zeromq", accept: "delivered", "module-config": configOf(endpoint) };
  return {
    name: "gateway",
    program: [join(root, "src/main.ts"), "serve"],
    environment: {
      LOG_LEVEL: "warning",
      WEBHOOKS_CONFIG_FILE: await directory.writeJson("webhooks.json", { default: webhook }),
      CONNECTIONS_CONFIG_FILE: await directory.writeJson("connections.json", {}),
    },
    path: "/webhook/default",
    body: SMALL_BODY,
  };
}

function configOf(endpoint: string): Readonly<Record<string, unknown>> {
  return { endpoint, socket_type: "DEALER" };
}

async function measureBatches(peer: ZeromqPeer, rounds: number): Promise<OutputRow> {
  const measured: number[] = [];
  const floor: number[] = [];
  for (let round = 0; round < rounds; round++) {
    floor.push(await bareRate(peer.port));
    measured.push(await outputRate(peer.endpoint));
  }
  return medianRow(`zeromq, batches of ${BATCH}`, measured, floor);
}

async function outputRate(endpoint: string): Promise<number> {
  await using output = await OpenOutput.open(zeromqModule, undefined);
  const events = Array.from({ length: EVENTS }, () => verifiedEvent({ body: SMALL_BODY }));
  return await batchRate(DIRECT, async (start) => {
    const results = await output.deliver(events.slice(start, start + BATCH), configOf(endpoint));
    if (results.some((result) => result !== "delivered")) throw new Error(String(results[0]));
  });
}

async function bareRate(port: number): Promise<number> {
  const dealer = await FloorDealer.open(port);
  const body = new TextEncoder().encode(SMALL_BODY);
  const rate = await batchRate(DIRECT, async (start) => {
    const ids = Array.from({ length: BATCH }, (_, index) => `event-of-the-floor-${start + index}`);
    await Promise.all(ids.map((id) => dealer.send(id, body)));
  });
  await dealer.close();
  return rate;
}
