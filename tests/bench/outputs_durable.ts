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

/**
 * Measures both in turn, each to the delivery of its last event: by rate, and by what events cost the gateway, which
 * counts where the server is the limit.
 *
 * @param module the output's
 */
export async function benchDurableDelivery(
  module: string,
  options: LoadOptions,
): Promise<readonly OutputRow[]> {
  const [[, start]] = serversOf([module]) as [ReturnType<typeof serversOf>[number]];
  await using server = await start();
  await using directory = await TempDir.create();
  const contestants = [
    await gatewayTo(server, "delivered", directory),
    await gatewayTo(server, "durable", directory),
  ];
  const rounds = await measureRounds(contestants, options);
  const { requestsPerSecond } = mediansOf(rounds).get("delivered")!;
  const rowOf = (name: string, ratio: number): OutputRow => ({
    name: `${module}, durable of delivered${name}`,
    eventsPerSecond: ratio * requestsPerSecond,
    floorEventsPerSecond: requestsPerSecond,
    target: TARGET,
  });
  return [
    rowOf("", ratioOf(rounds, "durable", "delivered", "requestsPerSecond")),
    rowOf(", by CPU", 1 / ratioOf(rounds, "durable", "delivered", "cpuPer10k")),
  ];
}
