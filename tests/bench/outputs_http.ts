/**
 * Webhooks that are verified and forwarded by HTTP: what an event costs when it is accepted alone, forwarded while its
 * sender waits, and forwarded out of the journal.
 *
 * @module
 */

import { createHmac } from "node:crypto";
import { join } from "@std/path";
import { REPOSITORY } from "../support/repository.ts";
import { TempDir } from "../support/temp_dir.ts";
import type { ComparisonOptions } from "./against/comparables.ts";
import type { Comparable, Gain } from "./against/comparison.ts";
import { benthosContestant, buildBenthos } from "./benthos.ts";
import { LARGE_BODY, SMALL_BODY } from "./bodies.ts";
import { judge, print, row } from "./etcd_report.ts";
import { HttpDestination } from "./http_destination.ts";
import {
  comparableLoad,
  type Contestant,
  type LoadOptions,
  measureRounds,
  mediansOf,
  ratioOf,
  type Rounds,
} from "./http_load.ts";

const SECRET = "a secret of the benchmark alone";

/** What happens to an event before its sender has the answer. */
type Way = "accept" | "delivered" | "durable";

interface Size {
  readonly name: string;
  readonly body: string;
  /** Most CPU time for 10,000 durable events, in seconds. */
  readonly durableCpu: number;
  /** What durable events are held to beside those that another revision delivers while senders wait. */
  readonly durableBounds: Gain;
}

const SIZES: readonly Size[] = [
  { name: "196 B", body: SMALL_BODY, durableCpu: 1.3, durableBounds: ofDelivered(0.85) },
  { name: "19 KB", body: LARGE_BODY, durableCpu: 2.6, durableBounds: ofDelivered(0.75) },
];

function ofDelivered(rate: number): Gain {
  return { since: "5fb4257", rate, cpu: Infinity };
}

/** How it is measured. */
export interface HttpBenchOptions extends LoadOptions {
  /** Whether benthos is measured beside it, where it can be built. */
  readonly withBenthos: boolean;
}

/** Measures all ways in turn and prints a table for each size. */
export async function benchHttp(options: HttpBenchOptions): Promise<void> {
  await using directory = await TempDir.create();
  await using destination = await HttpDestination.start();
  const benthos = options.withBenthos ? await buildBenthos() : undefined;
  for (const size of SIZES) {
    const contestants = [
      await gatewayOf(REPOSITORY, "accept", size, directory, destination),
      ...await benthosOf(benthos, "accept", size, directory, destination),
      await gatewayOf(REPOSITORY, "delivered", size, directory, destination),
      ...await benthosOf(benthos, "delivered", size, directory, destination),
      await gatewayOf(REPOSITORY, "durable", size, directory, destination),
    ];
    printTable(size, await measureRounds(contestants, options), options);
    if (options.withBenthos && benthos === undefined) print("benthos: not run, there is no Go here");
    print();
  }
}

/** Both builds, and durable events of the new one beside those that the old one delivers while senders wait. */
export async function compareHttp(
  options: ComparisonOptions,
  resources: AsyncDisposableStack,
): Promise<readonly Comparable[]> {
  const directory = resources.use(await TempDir.create());
  const destination = resources.use(await HttpDestination.start());
  const comparables: Comparable[] = [];
  for (const size of SIZES) {
    const compare = (name: string, way: (root: string) => Way) =>
      comparableLoad(
        `http_webhook, ${size.name}, ${name}`,
        options,
        (root) => gatewayOf(root, way(root), size, directory, destination),
      );
    const beside = compare(
      "durable beside delivered",
      (root) => root === REPOSITORY ? "durable" : "delivered",
    );
    comparables.push(
      compare("delivered", () => "delivered"),
      compare("durable", () => "durable"),
      { ...beside, bounds: size.durableBounds },
    );
  }
  return comparables;
}

async function gatewayOf(
  root: string,
  way: Way,
  { name, body }: Size,
  directory: TempDir,
  destination: HttpDestination,
): Promise<Contestant> {
  const verified = { hmac: { secret: SECRET, header: "X-Hub-Signature-256" } };
  const webhook = way === "accept" ? { module: "log", ...verified } : {
    module: "http_webhook",
    accept: way,
    ...verified,
    "module-config": { url: destination.url, allowed_hosts: ["127.0.0.1"] },
  };
  const file = await directory.writeJson(`${way} ${name}.json`, { orders: webhook });
  return {
    name: nameOf("gateway", way),
    program: [join(root, "src/main.ts"), "serve"],
    environment: { LOG_LEVEL: "warning", WEBHOOKS_CONFIG_FILE: file },
    ...requestOf(body),
    ...(way === "accept" ? { output: "/dev/null" } : { destination }),
  };
}

async function benthosOf(
  program: string | undefined,
  way: "accept" | "delivered",
  { body }: Size,
  directory: TempDir,
  destination: HttpDestination,
): Promise<readonly Contestant[]> {
  if (program === undefined) return [];
  const contestant = await benthosContestant(nameOf("benthos", way), {
    program,
    directory: directory.path,
    secret: SECRET,
    request: requestOf(body),
    ...(way === "accept" ? {} : { url: destination.url }),
  });
  return [way === "accept" ? contestant : { ...contestant, destination }];
}

/** As GitHub signs it, and as most clients of HTTP ask for compressed answers. */
function requestOf(body: string): Pick<Contestant, "path" | "body" | "headers"> {
  const signature = `sha256=${createHmac("sha256", SECRET).update(body).digest("hex")}`;
  return {
    path: "/webhook/orders",
    body,
    headers: { "X-Hub-Signature-256": signature, "Accept-Encoding": "gzip" },
  };
}

function nameOf(program: "gateway" | "benthos", way: Way): string {
  return `${program}, ${way}`;
}

function printTable(
  { name: size, durableCpu }: Size,
  rounds: Rounds,
  { seconds, rounds: count, connections }: LoadOptions,
): void {
  print(`http_webhook, ${size}: ${connections} connections, ${count} rounds of ${seconds} s each, medians`);
  print(row("", ["events/s", "p99 ms", "CPU s/10,000", "MiB", "of delivered", "of benthos"]));
  for (const [name, { requestsPerSecond, p99Ms, cpuPer10k, memoryMiB }] of mediansOf(rounds)) {
    const ofDelivered = ratioOf(rounds, name, nameOf("gateway", "delivered"), "requestsPerSecond");
    const ofBenthos = ratioOf(rounds, name, rivalOf(name), "requestsPerSecond");
    print(row(name, [
      requestsPerSecond.toFixed(0),
      p99Ms.toFixed(1),
      cpuPer10k.toFixed(3),
      memoryMiB.toFixed(0),
      ofDelivered.toFixed(2),
      Number.isNaN(ofBenthos) ? "" : ofBenthos.toFixed(2),
    ]));
  }
  const { cpuPer10k } = mediansOf(rounds).get(nameOf("gateway", "durable"))!;
  print(`durable, CPU s/10,000: ${judge(cpuPer10k, durableCpu)}`);
}

/** What benthos does that comes next to it. */
function rivalOf(name: string): string {
  return nameOf("benthos", name.endsWith("accept") ? "accept" : "delivered");
}
