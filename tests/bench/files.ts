/**
 * How long requests are held up while a file of many webhooks is saved: the longest block as the gateway sees it from
 * within, see `etcd_blocks.ts`, and the slowest answer of `/livez`.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import { join } from "@std/path";
import { ChildProcess } from "../support/process/child_process.ts";
import { REPOSITORY } from "../support/repository.ts";
import { TempDir } from "../support/temp_dir.ts";
import { valueOf } from "./etcd_data.ts";
import { judge, print, progress, row } from "./etcd_report.ts";
import type { Block } from "./servers/etcd_orders.ts";

const TARGET_MS = 25;
const IDLE_MS = 2_000;
/** Garbage of the work before is collected in this time. */
const SETTLE_MS = 500;
const REQUEST_INTERVAL_MS = 5;

/** One member of the file, by its number. */
type Member = (index: number) => string;

const valid = (version: number): Member => (index) => `"hook-${index}": ${valueOf(index, version)}`;
const invalid: Member = (index) =>
  `"hook-${index}": {"module": "log", "modul": "x", "data_type": "n${index}"}`;
const badName: Member = (index) => `"hook ${index}": {"module": "log"}`;
const channel = (token: string): Member => (index) =>
  `"hook-${index}": {"module": "webhook_connect", "module-config": {"channel": "all", "channel_token": "${token}"}}`;

const huge = `"hook-0": {"module": "log", "data_type": [${"1,".repeat(10_000_000)}1]}`;

/** What is saved, one after the other; nothing where the file stays as it is. */
const SAVES: readonly (readonly [name: string, member: Member | undefined])[] = [
  ["nothing", undefined],
  ["added", valid(1)],
  ["changed", valid(2)],
  ["invalid", invalid],
  ["with one of 20 MB", (index) => index === 0 ? huge : valid(2)(index)],
  ["valid again", valid(1)],
  ["of bad names", badName],
  ["of one channel", channel("old-token")],
  ["with another token", channel("new-token")],
];

/** @param count of the webhooks that are saved */
export async function benchFiles(count: number): Promise<void> {
  await using directory = await TempDir.create();
  const save = async (text: string) =>
    await Deno.rename(await directory.writeText("saved.json", text), directory.file("webhooks.json"));
  await save('{"open": {"module": "log"}}');
  await using server = ChildProcess.spawn(Deno.execPath(), {
    args: [
      "run",
      "--cached-only",
      "--no-check",
      "--allow-all",
      "--config",
      join(REPOSITORY, "deno.json"),
      join(REPOSITORY, "tests/bench/servers/files_gateway.ts"),
    ],
    cwd: directory.path,
  });
  const [, port, orders] = await server.waitForLine(/Serving on (\d+), orders on (\d+)/, {
    timeoutMs: 60_000,
  });
  const order = async (name: string) => await (await fetch(`http://127.0.0.1:${orders}/${name}`)).json();
  print(`${count.toLocaleString("en")} webhooks in one save, in ms`);
  print(row("", ["block", "own", "livez", "took"]));
  const saves = [...SAVES, ["removed", () => ""]] as const;
  for (const [name, member] of saves) {
    progress(name);
    if (member !== undefined) {
      const members = name === "removed" ? [] : Array.from({ length: count }, (_, index) => member(index));
      await save(`{${['"open": {"module": "log"}', ...members].join(",\n")}}`);
    }
    const disturb = () => member === undefined ? sleep(IDLE_MS) : order("reload");
    const { longestMs, ownMs, slowestMs, tookMs } = await observe(Number(port), order, disturb);
    print(row(name, [longestMs, ownMs, slowestMs, tookMs].map((value) => value.toFixed(1))));
    if (member !== undefined) print(`  longest block in ms ${judge(ownMs, TARGET_MS)}`);
    await sleep(SETTLE_MS);
  }
}

async function observe(
  port: number,
  order: (name: string) => Promise<unknown>,
  disturb: () => Promise<unknown>,
): Promise<Block & { readonly slowestMs: number; readonly tookMs: number }> {
  let slowestMs = 0;
  let isOver = false;
  const asking = (async () => {
    while (!isOver) {
      const askedAt = performance.now();
      await (await fetch(`http://127.0.0.1:${port}/livez`)).body?.cancel();
      slowestMs = Math.max(slowestMs, performance.now() - askedAt);
      await sleep(REQUEST_INTERVAL_MS);
    }
  })();
  await order("start-recording");
  const begun = performance.now();
  await disturb();
  const tookMs = performance.now() - begun;
  isOver = true;
  await asking;
  return { ...await order("stop-recording") as Block, slowestMs, tookMs };
}
