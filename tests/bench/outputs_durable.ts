/**
 * Events that are delivered out of the journal against those that are delivered while their senders wait, for every
 * output that has a server here.
 *
 * @module
 */

import { TempDir } from "../support/temp_dir.ts";
import { type LoadOptions, measureRounds, mediansOf, ratioOf } from "./http_load.ts";
import { serversOf } from "./hung.ts";
import { gatewayTo } from "./output_gateway.ts";
import type { OutputRow } from "./output_rows.ts";

/** At least this share of what is delivered while senders wait. */
const TARGET = 0.75;

/** A gateway that uses less of a processor waits for the server: then it is compared by what events cost it. */
const BUSY = 0.9;

/** Measures both in turn, each to the delivery of its last event. @param module the output's */
export async function benchDurableDelivery(module: string, options: LoadOptions): Promise<OutputRow> {
  const [[, start]] = serversOf([module]) as [ReturnType<typeof serversOf>[number]];
  await using server = await start();
  await using directory = await TempDir.create();
  const contestants = [
    await gatewayTo(server, "delivered", directory),
    await gatewayTo(server, "durable", directory),
  ];
  const rounds = await measureRounds(contestants, options);
  const { requestsPerSecond, cpuPer10k } = mediansOf(rounds).get("delivered")!;
  const isBusy = requestsPerSecond * cpuPer10k / 10_000 >= BUSY;
  const ratio = isBusy
    ? ratioOf(rounds, "durable", "delivered", "requestsPerSecond")
    : 1 / ratioOf(rounds, "durable", "delivered", "cpuPer10k");
  return {
    name: `${module}, durable of delivered${isBusy ? "" : ", by CPU"}`,
    eventsPerSecond: ratio * requestsPerSecond,
    floorEventsPerSecond: requestsPerSecond,
    target: TARGET,
  };
}
