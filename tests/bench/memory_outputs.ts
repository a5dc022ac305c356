/**
 * Whether memory stays flat while a gateway delivers many events, for every output that has a server here.
 *
 * @module
 */

import { TempDir } from "../support/temp_dir.ts";
import { print, progress, row } from "./etcd_report.ts";
import { startContestant } from "./http_load.ts";
import { serversOf } from "./hung.ts";
import { type Accept, gatewayTo } from "./output_gateway.ts";
import type { StartServer } from "./hung_servers.ts";

const EVENTS = 200_000;
const CONNECTIONS = 64;

/** How long events are sent between two looks at the memory, in seconds. */
const LOOK_SECONDS = 2;

/** What the second half of the events may add to the highest of the first half, as a share of that. */
const MOST_GROWTH = 0.1;

/** Resident memory of the gateway, in MiB. */
interface Memory {
  readonly events: number;
  readonly firstHalfMiB: number;
  readonly secondHalfMiB: number;
}

/**
 * @param names outputs. @default all
 * @returns whether memory was flat for all of them
 */
export async function benchOutputMemory(names: readonly string[]): Promise<boolean> {
  print(`The highest resident memory of the gateway over ${EVENTS} events, in MiB`);
  print(row("", ["events", "first half", "second half", "verdict"]));
  let areFlat = true;
  for (const [name, start] of serversOf(names)) {
    for (const accept of ["delivered", "durable"] as const) {
      progress(`${name}, ${accept}`);
      const { events, firstHalfMiB, secondHalfMiB } = await measure(start, accept);
      const isFlat = secondHalfMiB <= firstHalfMiB * (1 + MOST_GROWTH);
      areFlat &&= isFlat;
      print(row(`${name}, accept: ${accept}`, [
        String(events),
        firstHalfMiB.toFixed(0),
        secondHalfMiB.toFixed(0),
        isFlat ? "flat" : "GROWS",
      ]));
    }
  }
  print(`Target: the second half adds at most ${MOST_GROWTH * 100} %`);
  return areFlat;
}

async function measure(start: StartServer, accept: Accept): Promise<Memory> {
  await using server = await start();
  await using directory = await TempDir.create();
  await using gateway = await startContestant(await gatewayTo(server, accept, directory), CONNECTIONS);
  let [events, firstHalfMiB, secondHalfMiB] = [0, 0, 0];
  while (events < EVENTS) {
    const { requests, memoryMiB } = await gateway.measure(LOOK_SECONDS);
    events += requests;
    if (events <= EVENTS / 2 || firstHalfMiB === 0) firstHalfMiB = Math.max(firstHalfMiB, memoryMiB);
    else secondHalfMiB = Math.max(secondHalfMiB, memoryMiB);
  }
  return { events, firstHalfMiB, secondHalfMiB };
}
