/**
 * `save_to_disk` against a program that saves the same bodies with as many steps as one file needs.
 *
 * @module
 */

import { join } from "@std/path";
import { REPOSITORY } from "../support/repository.ts";
import { TempDir } from "../support/temp_dir.ts";
import { BuildDirectories } from "./against/build_directories.ts";
import type { ComparisonOptions } from "./against/comparables.ts";
import type { Comparable, Gain } from "./against/comparison.ts";
import { SMALL_BODY } from "./bodies.ts";
import { median } from "./etcd_report.ts";
import { comparableLoad, type Contestant, type LoadOptions, measureInTurn } from "./http_load.ts";
import type { OutputRow } from "./output_rows.ts";

const NAME = "save_to_disk, 196 B, from POST";

/** What files of one batch gain by sharing what can be shared, against the last revision that wrote each by itself. */
const GAIN_OF_BATCHES: Gain = { since: "5fb4257", rate: 3, cpu: 1 };

/** Measures from `POST` at a gateway process to the answer, which comes after the file is on the disk. */
export async function benchDisk(options: LoadOptions): Promise<readonly OutputRow[]> {
  await using directory = await TempDir.create();
  const floor: Contestant = {
    name: "floor",
    program: [join(REPOSITORY, "tests/bench/servers/floor_disk.ts"), "PORT", "DIRECTORY"],
    path: "/webhook/default",
    body: SMALL_BODY,
  };
  const rates: Record<string, number[]> = { gateway: [], floor: [] };
  for (let round = 0; round < options.rounds; round++) {
    for (const contestant of [floor, await gatewayOf(REPOSITORY, directory)]) {
      const [measurement] = (await measureInTurn([contestant], { ...options, rounds: 1 })).values();
      rates[contestant.name]!.push(measurement!.requestsPerSecond);
    }
  }
  return [{
    name: NAME,
    eventsPerSecond: median(rates["gateway"]!),
    floorEventsPerSecond: median(rates["floor"]!),
  }];
}

/** With an empty directory for each measurement. */
export function compareDisk(
  options: ComparisonOptions,
  resources: AsyncDisposableStack,
): readonly Comparable[] {
  const directories = resources.use(new BuildDirectories());
  const load = comparableLoad(NAME, options, async (root) => gatewayOf(root, await directories.of(root)));
  return [{ ...load, gain: GAIN_OF_BATCHES }];
}

async function gatewayOf(root: string, directory: TempDir): Promise<Contestant> {
  const events = directory.file("events");
  await Deno.remove(events, { recursive: true }).catch(() => {}); // The first time there is none.
  const webhook = { module: "save_to_disk", "module-config": { base_dir: events } };
  return {
    name: "gateway",
    program: [join(root, "src/main.ts"), "serve"],
    environment: {
      LOG_LEVEL: "warning",
      WEBHOOKS_CONFIG_FILE: await directory.writeJson("webhooks.json", { default: webhook }),
    },
    path: "/webhook/default",
    body: SMALL_BODY,
  };
}
