/**
 * How long a gateway takes from its start to the first 200, and what it holds when nothing happens, beside a program
 * that is a bare `Deno.serve`, started in turn in the same run.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import { join } from "@std/path";
import { ChildProcess } from "../support/process/child_process.ts";
import { EtcdServer } from "../support/etcd/server.ts";
import { freePort } from "../support/redis/server.ts";
import { REPOSITORY } from "../support/repository.ts";
import { TempDir } from "../support/temp_dir.ts";
import { judge, median, print, progress, residentMiB, row } from "./etcd_report.ts";

/** At most so many times of the bare server's. */
const TARGETS = { start: 3.0, memory: 1.8 } as const;

/** What is only needed at the start is given back in this time, in milliseconds. */
const SETTLE_MS = 5_000;

/** A pause between two looks whether it answers, in milliseconds. */
const LOOK_MS = 5;

const WEBHOOKS = '{"open": {"module": "log"}}';
const PREFIX = "/bench-start/";
const BARE = `Deno.serve({ port: Number(Deno.args[0]), hostname: "127.0.0.1" }, () => new Response("ok"));`;
const BINARY = join(REPOSITORY, "dist/cwm");

/** A program to start, on the port that it is given. */
interface Contestant {
  readonly name: string;
  readonly start: (port: number) => ChildProcess;
}

/** Medians of all rounds. */
interface Figures {
  readonly startMs: number;
  readonly memoryMiB: number;
}

/** @returns whether all targets are met */
export async function benchStart({ rounds }: { readonly rounds: number }): Promise<boolean> {
  await using directory = await TempDir.create();
  await directory.writeText("webhooks.json", WEBHOOKS);
  await directory.writeText("bare.ts", BARE);
  await using etcd = await EtcdServer.start();
  await etcd.gateway.put(`${PREFIX}default/webhooks/open`, '{"module": "log"}');
  const contestants = await listContestants(directory, etcd);
  const [bare, ...gateways] = await measureAll(contestants, rounds);

  print(`Start to the first 200, and memory after ${SETTLE_MS / 1000} s, medians of ${rounds} rounds`);
  print(row("", ["ms", "MiB"]));
  for (const [index, { name }] of contestants.entries()) {
    const { startMs, memoryMiB } = [bare!, ...gateways][index]!;
    print(row(name, [startMs.toFixed(0), memoryMiB.toFixed(0)]));
  }
  if (!await exists(BINARY)) print(row("binary, files", ["not run"]) + "  (`deno task compile` makes it)");
  print();
  for (const [index, { startMs, memoryMiB }] of gateways.entries()) {
    const { name } = contestants[index + 1]!;
    print(`${name}: start ${judge(startMs / bare!.startMs, TARGETS.start)}`);
    print(`${name}: memory ${judge(memoryMiB / bare!.memoryMiB, TARGETS.memory)}`);
  }
  return gateways.every(({ startMs, memoryMiB }) =>
    startMs <= TARGETS.start * bare!.startMs && memoryMiB <= TARGETS.memory * bare!.memoryMiB
  );
}

/** The bare server first. */
async function listContestants(directory: TempDir, etcd: EtcdServer): Promise<Contestant[]> {
  const deno = (env: Readonly<Record<string, string>>, ...args: string[]) =>
    ChildProcess.spawn(Deno.execPath(), {
      args: ["run", "--cached-only", "--no-check", "--allow-all", ...args],
      cwd: directory.path,
      env,
    });
  const source = ["--config", join(REPOSITORY, "deno.json"), join(REPOSITORY, "src/main.ts"), "serve"];
  const listening = (port: number) => ({ HOST: "127.0.0.1", PORT: `${port}` });
  const contestants: Contestant[] = [
    { name: "bare Deno.serve", start: (port) => deno({}, directory.file("bare.ts"), `${port}`) },
    { name: "source, files", start: (port) => deno(listening(port), ...source) },
    {
      name: "source, etcd",
      start: (port) =>
        deno(
          {
            ...listening(port),
            CONFIG_BACKEND: "etcd",
            ETCD_PREFIX: PREFIX,
            ETCD_ENDPOINTS: etcd.endpoint,
          },
          ...source,
        ),
    },
  ];
  if (!await exists(BINARY)) return contestants;
  const start = (port: number) =>
    ChildProcess.spawn(BINARY, { args: ["serve"], cwd: directory.path, env: listening(port) });
  return [...contestants, { name: "binary, files", start }];
}

async function measureAll(contestants: readonly Contestant[], rounds: number): Promise<Figures[]> {
  // The first start of each fills caches of Deno and of the system.
  for (const contestant of contestants) await measure(contestant, 0);
  const all = contestants.map((): Figures[] => []);
  for (let round = 0; round < rounds; round++) {
    progress(`round ${round + 1} of ${rounds}`);
    for (const [index, contestant] of contestants.entries()) {
      all[index]!.push(await measure(contestant, SETTLE_MS));
    }
  }
  return all.map((figures) => ({
    startMs: median(figures.map(({ startMs }) => startMs)),
    memoryMiB: median(figures.map(({ memoryMiB }) => memoryMiB)),
  }));
}

async function measure({ start }: Contestant, settleMs: number): Promise<Figures> {
  const port = freePort();
  const startedAt = performance.now();
  await using child = start(port);
  while (!await answers(port)) await sleep(LOOK_MS);
  const startMs = performance.now() - startedAt;
  await sleep(settleMs);
  return { startMs, memoryMiB: residentMiB(child.pid) };
}

async function answers(port: number): Promise<boolean> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/webhook/open`, { method: "POST", body: "{}" });
    await answer.body?.cancel();
    return answer.status === 200;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return false; // Nobody listens yet.
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return false;
  }
}
