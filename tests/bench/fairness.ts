/**
 * What one webhook feels of another: the time to the answer and to the delivery of its events while the other
 * one is flooded, while its output hangs, and while the disk is slow; each against the quiet value of the same
 * run. A program without a journal or webhooks, flooded in the same way, shows what the event loop alone costs.
 *
 * @module
 */

import { eventually } from "../support/eventually.ts";
import { join } from "@std/path";
import { ChildProcess } from "../support/process/child_process.ts";
import { throughSlowSync } from "../support/disk.ts";
import { GatewayProcess, type GatewayProcessOptions } from "../support/process/gateway_process.ts";
import { REPOSITORY } from "../support/repository.ts";
import type { Comparable } from "./against/comparison.ts";
import { print, progress, row } from "./etcd_report.ts";
import { cpuSeconds } from "./http_load.ts";
import { printTeams } from "./fairness_teams.ts";
import { type Answers, flood, probe, summarize } from "./probe.ts";

const BODY = JSON.stringify({ action: "push", repository: { id: 12345, name: "myapp" }, number: 1234 });
const SECONDS = 6;
const HUNG_SECONDS = 30;
const WARM_UP_SECONDS = 2;
const SLOW_SYNC_MS = 100;
const FLOOR_PORT = 19_480;

/** Of a flood that leaves the machine room: about 3,500 requests a second. */
const PAUSE_MS = 8;

interface Figures {
  readonly answers: Answers;
  readonly deliveries: Answers | undefined;
  readonly floodPerSecond: number;
}

interface Beside {
  readonly webhook: string;
  readonly pauseMs: number;
}

export async function benchFairness(): Promise<void> {
  print(`One webhook gets 200 events a second; milliseconds, and times the quiet value of the same server`);
  print(row("", ["flood/s", "answer p50", "answer p99", "delivery p99"]));
  await printFloor();
  await printFloods();
  await printHung();
  await printSlowDisk();
  await printTeams();
}

/** The flood's rate, and the answers of a webhook beside it. */
export function compareFairness(): readonly Comparable[] {
  return ["quick", "slow"].map((webhook) => ({
    name: `beside a flood on a webhook with ${webhook} output`,
    measure: async ({ root }) => {
      await using gateway = await startGateway({ repository: root });
      const cpuBefore = cpuSeconds(gateway.pid);
      const { answers, floodPerSecond } = await measure(gateway, "well", SECONDS, { webhook, pauseMs: 0 });
      const cpu = cpuSeconds(gateway.pid) - cpuBefore;
      return {
        rate: floodPerSecond,
        p99Ms: answers.p99Ms,
        cpuPer10k: cpu / (floodPerSecond * SECONDS + answers.count) * 10_000,
      };
    },
  }));
}

async function printFloor(): Promise<void> {
  progress("floor");
  await using _floor = ChildProcess.spawn(Deno.execPath(), {
    args: ["run", "--allow-net", join(REPOSITORY, "tests/bench/servers/floor_bare.ts"), String(FLOOR_PORT)],
  });
  const url = `http://127.0.0.1:${FLOOR_PORT}/`;
  await eventually(async () => await (await fetch(url, { method: "POST", body: BODY })).body?.cancel());
  await probe(url, BODY, WARM_UP_SECONDS);
  const quiet = { answers: await probe(url, BODY, SECONDS), deliveries: undefined, floodPerSecond: 0 };
  printRow("bare program, quiet", quiet, quiet);
  for (const pauseMs of [PAUSE_MS, 0]) {
    await using flooding = await flood(url, BODY, SECONDS, pauseMs);
    const answers = await probe(url, BODY, SECONDS);
    const floodPerSecond = await flooding.requestsPerSecond;
    printRow("  flooded", { answers, deliveries: undefined, floodPerSecond }, quiet);
  }
}

async function printFloods(): Promise<void> {
  await using gateway = await startGateway();
  const quiet = await measure(gateway, "well", SECONDS);
  printRow("durable webhook, quiet", quiet, quiet);
  for (const webhook of ["quick", "slow"]) {
    for (const pauseMs of [PAUSE_MS, 0]) {
      progress(`flood on ${webhook}, pause ${pauseMs} ms`);
      const figures = await measure(gateway, "well", SECONDS, { webhook, pauseMs });
      printRow(`  beside a flood on one with ${webhook} output`, figures, quiet);
    }
  }
}

/** The other webhook's destination is frozen, with its connections open. */
async function printHung(): Promise<void> {
  progress("hung destination");
  await using target = ChildProcess.spawn(Deno.execPath(), {
    args: ["run", "--allow-net", join(REPOSITORY, "tests/bench/servers/http_sink.ts")],
  });
  const [, port] = await target.waitForLine(/Listening on (\d+)/);
  await using gateway = await startGateway({ env: { TARGET: `http://127.0.0.1:${port}/` } });
  const quiet = await measure(gateway, "well", SECONDS);
  printRow("durable webhook, quiet", quiet, quiet);
  const beside = { webhook: "http", pauseMs: PAUSE_MS };
  printRow("  beside one that delivers over HTTP", await measure(gateway, "well", SECONDS, beside), quiet);
  target.kill("SIGSTOP");
  const hung = await measure(gateway, "well", HUNG_SECONDS, beside);
  target.kill("SIGCONT");
  printRow(`  the same while its destination hangs, ${HUNG_SECONDS} s`, hung, quiet);
}

async function printSlowDisk(): Promise<void> {
  progress("slow disk");
  const through = await throughSlowSync(SLOW_SYNC_MS);
  if (through === undefined) return print("Processes may not be traced here: no slow disk");
  await using gateway = await startGateway({ through });
  const quiet = await measure(gateway, "direct", SECONDS);
  printRow("webhook without journal, quiet", quiet, quiet);
  const beside = { webhook: "quick", pauseMs: PAUSE_MS };
  printRow(
    `  beside durable ones, fsync ${SLOW_SYNC_MS} ms`,
    await measure(gateway, "direct", SECONDS, beside),
    quiet,
  );
  await using other = await startGateway();
  const usual = await measure(other, "direct", SECONDS, beside);
  printRow("  the same with the disk as it is", usual, quiet);
}

async function startGateway(options: GatewayProcessOptions = {}): Promise<GatewayProcess> {
  const program = "tests/bench/servers/gateway_lanes.ts";
  const gateway = await GatewayProcess.start({ ...options, program, args: [] });
  await gateway.waitUntilReady();
  await probe(`${gateway.url}/webhook/well`, BODY, WARM_UP_SECONDS);
  return gateway;
}

async function measure(
  gateway: GatewayProcess,
  webhook: string,
  seconds: number,
  beside?: Beside,
): Promise<Figures> {
  const from = gateway.lines.length;
  await using flooding = beside === undefined
    ? undefined
    : await flood(`${gateway.url}/webhook/${beside.webhook}`, BODY, seconds, beside.pauseMs);
  const answers = await probe(`${gateway.url}/webhook/${webhook}`, BODY, seconds);
  const floodPerSecond = await flooding?.requestsPerSecond ?? 0;
  const delays = gateway.lines.slice(from)
    .flatMap(({ text }) => /^delivered ([\d.]+)/.exec(text)?.[1] ?? []).map(Number);
  return { answers, deliveries: delays.length > 0 ? summarize(delays) : undefined, floodPerSecond };
}

function printRow(name: string, { answers, deliveries, floodPerSecond }: Figures, quiet: Figures): void {
  const times = (value: number, quietValue: number | undefined) =>
    `${value.toFixed(1)} (${(value / (quietValue ?? NaN)).toFixed(1)}x)`;
  print(row(name, [
    floodPerSecond.toFixed(0),
    times(answers.p50Ms, quiet.answers.p50Ms),
    times(answers.p99Ms, quiet.answers.p99Ms),
    deliveries === undefined ? "" : times(deliveries.p99Ms, quiet.deliveries?.p99Ms),
  ]));
}
