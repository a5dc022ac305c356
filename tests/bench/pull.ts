/**
 * What polls that wait cost a gateway: one has hundreds of them, another one beside it none, and nothing else happens.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../support/eventually.ts";
import { GatewayProcess } from "../support/process/gateway_process.ts";
import { PullClient } from "../support/relay/pull_client.ts";
import { RELAY_TOKEN } from "../support/relay/world.ts";
import { TempDir } from "../support/temp_dir.ts";
import { median, print, progress, residentMiB, row } from "./etcd_report.ts";
import { cpuSeconds } from "./http_load.ts";

const POLLS = 500;

/** How long the polls wait, and for how much of that they are measured, in seconds. */
const WAIT_SECONDS = 30;
const MEASURED_SECONDS = 20;

/** More processor time than without polls that is none: a hundredth of a processor, as a share of the time. */
const TARGET = 0.01;

/** Prints the processor time of both. */
export async function benchPull({ rounds }: { readonly rounds: number }): Promise<void> {
  print(`${POLLS} polls that wait, for ${MEASURED_SECONDS} s: processor time in ms a second`);
  print(row("", ["no polls", "polls", "more", "MiB a poll"]));
  const more: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    progress(`round ${round} of ${rounds}`);
    const { without, waiting, mibAPoll } = await measure(round % 2 === 1);
    more.push(waiting - without);
    const milliseconds = [without, waiting, waiting - without].map((share) => (share * 1000).toFixed(2));
    print(row(`round ${round}`, [...milliseconds, mibAPoll.toFixed(3)]));
  }
  const share = median(more);
  print(
    `more, median: ${(share * 1000).toFixed(2)} ms a second (at most ${TARGET * 1000}${
      share <= TARGET ? "" : ", MISSED"
    })`,
  );
  if (share > TARGET) Deno.exitCode = 1;
}

/** Processor time as shares of one processor, and memory in MiB. */
interface Measured {
  readonly without: number;
  readonly waiting: number;
  readonly mibAPoll: number;
}

/** @param quietFirst which of the two is started first */
async function measure(quietFirst: boolean): Promise<Measured> {
  await using directory = await TempDir.create();
  await directory.writeJson("webhooks.json", {
    orders: {
      module: "webhook_connect",
      "module-config": { channel: "inbox", channel_token: RELAY_TOKEN, max_polls: POLLS },
    },
  });
  await using first = await startGateway(directory, "first");
  await using second = await startGateway(directory, "second");
  const [quiet, polled] = quietFirst ? [first, second] : [second, first];
  const before = residentMiB(polled.pid);
  const stop = new AbortController();
  const client = new PullClient(polled.url, { token: RELAY_TOKEN });
  const polls = Array.from(
    { length: POLLS },
    () =>
      client.receive({ wait: WAIT_SECONDS }, stop.signal).catch((error) => {
        if (!stop.signal.aborted) throw error;
      }),
  );
  await eventually(async () => {
    const response = await fetch(`${polled.url}/metrics`);
    return (await response.text()).includes(`transport="pull"} ${POLLS}\n`);
  });
  const times = [quiet, polled].map(({ pid }) => cpuSeconds(pid));
  const begun = performance.now();
  await sleep(MEASURED_SECONDS * 1000);
  const seconds = (performance.now() - begun) / 1000;
  const [without = NaN, waiting = NaN] = [quiet, polled].map(({ pid }, index) =>
    (cpuSeconds(pid) - times[index]!) / seconds
  );
  const mibAPoll = (residentMiB(polled.pid) - before) / POLLS;
  stop.abort();
  await Promise.all(polls);
  return { without, waiting, mibAPoll };
}

/** A gateway with the channel of the directory, once it has opened its queue. */
async function startGateway(directory: TempDir, data: string): Promise<GatewayProcess> {
  await using undo = new AsyncDisposableStack();
  const env = { DATA_DIR: directory.file(data), LOG_FORMAT: "text" };
  const gateway = undo.use(await GatewayProcess.start({ cwd: directory.path, env }));
  await gateway.waitUntilReady();
  await new PullClient(gateway.url, { token: RELAY_TOKEN }).receive();
  undo.move();
  return gateway;
}
