/**
 * Measures HTTP servers under load, in turn and several times in one run: machines drift by a third, the
 * ratio between two programs measured in turn holds.
 *
 * @module
 */

import { join } from "@std/path";
import { freePort } from "../support/redis/server.ts";
import type { MeasuredInTurn } from "./against/comparison.ts";

/** A server to measure. */
export interface Contestant {
  readonly name: string;
  /** Arguments after `deno run --allow-all`; `PORT` is replaced by the port, `DIRECTORY` by a fresh path. */
  readonly program: readonly string[];
  /** What is run with these arguments, where it is no program of Deno. */
  readonly executable?: string;
  /** Where its standard output goes. @default a file of its own */
  readonly output?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** The path that requests are sent to. */
  readonly path: string;
  /** The request's body. */
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Makes requests as bytes, in the place of the one with `body` and `headers`: for so many seconds where each may be
   * sent once.
   */
  readonly requests?: (port: number, seconds: number) => Promise<readonly Uint8Array[]>;
  /** How long the server is left alone between its start and the load, in seconds. @default 0 */
  readonly idleSeconds?: number;
  /**
   * Where the server sends what it gets. A load ends when all of it has arrived there: its rate is that of events that
   * have arrived. It is made from the server's port where the server itself knows. @default it sends nothing
   */
  readonly destination?: CountingDestination | ((port: number) => CountingDestination);
}

/** Something that counts what arrives. */
export interface CountingDestination {
  /** How many events have arrived so far. */
  arrived(): Promise<number>;
}

export interface Measurement {
  readonly requestsPerSecond: number;
  /** 99th percentile of the answer time, in milliseconds. */
  readonly p99Ms: number;
  /** CPU time of the server per 10,000 requests, in seconds. */
  readonly cpuPer10k: number;
  /** Resident memory at the end, in MiB. */
  readonly memoryMiB: number;
}

export interface LoadOptions {
  readonly seconds: number;
  readonly rounds: number;
  readonly connections: number;
}

const CLOCK_TICKS_PER_SECOND = 100;

/** What was measured of all contestants, a list of rounds each. */
export type Rounds = ReadonlyMap<string, readonly Measurement[]>;

/** Measures every contestant once per round and returns the medians. */
export async function measureInTurn(
  contestants: readonly Contestant[],
  options: LoadOptions,
): Promise<Map<string, Measurement>> {
  return mediansOf(await measureRounds(contestants, options));
}

/** The medians of all rounds. */
export function mediansOf(rounds: Rounds): Map<string, Measurement> {
  return new Map(Array.from(rounds, ([name, all]) => [name, median(all)]));
}

/**
 * How a figure of a contestant compares with that of its floor: the median of what it was in each round. The two
 * stand side by side there, so a machine that drifts from round to round changes both.
 */
export function ratioOf(
  rounds: Rounds,
  contestant: string,
  floor: string,
  figure: keyof Measurement,
): number {
  const floors = rounds.get(floor) ?? [];
  const ratios = (rounds.get(contestant) ?? []).map((measured, round) => {
    return measured[figure] / (floors[round]?.[figure] ?? NaN);
  });
  return ratios.sort((a, b) => a - b)[Math.floor(ratios.length / 2)] ?? NaN;
}

/** Measures every contestant once per round. Let those that are compared stand side by side. */
export async function measureRounds(
  contestants: readonly Contestant[],
  options: LoadOptions,
): Promise<Rounds> {
  const measurements = new Map<string, Measurement[]>(contestants.map(({ name }) => [name, []]));
  for (let round = 0; round < options.rounds; round++) {
    for (const contestant of contestants) {
      const measurement = await measure(contestant, options);
      measurements.get(contestant.name)?.push(measurement);
    }
  }
  return measurements;
}

/**
 * A situation of a comparison of builds: each gets `seconds` turns of a second in a round.
 *
 * @param contestant the program and its load, made from the root of the build's sources
 */
export function comparableLoad(
  name: string,
  { seconds, connections }: Omit<LoadOptions, "rounds">,
  contestant: (root: string) => Contestant | Promise<Contestant>,
): MeasuredInTurn {
  return {
    name,
    turns: seconds,
    start: async ({ root }) => {
      const running = await startContestant(await contestant(root), connections);
      return {
        measure: async () => {
          const { requestsPerSecond, p99Ms, cpuPer10k } = await running.measure(1);
          return { rate: requestsPerSecond, p99Ms, cpuPer10k };
        },
        [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
      };
    },
  };
}

/**
 * How long each contestant is under load before it is measured, in seconds. Within it the runtime compiles what is hot;
 * measured from the first second on, a build with more code to compile looks slower than it is.
 */
const WARM_UP_SECONDS = 3;

/** Starts a contestant, measures it once under load and stops it. */
export async function measure(
  contestant: Contestant,
  { seconds, connections }: Omit<LoadOptions, "rounds">,
): Promise<Measurement> {
  await using running = await startContestant(contestant, connections);
  return await running.measure(seconds);
}

/** A contestant that has been under load for a while. */
export interface RunningContestant extends AsyncDisposable {
  /** @returns figures, and how many requests there were */
  measure(seconds: number): Promise<Measurement & { readonly requests: number }>;
}

/** Starts a contestant and has it under load for a while. */
export async function startContestant(
  contestant: Contestant,
  connections: number,
): Promise<RunningContestant> {
  await using resources = new AsyncDisposableStack();
  // A fixed one may be taken, and what answers there would be measured instead.
  const port = freePort();
  const directory = await Deno.makeTempDir({ prefix: "cwm-bench-" });
  resources.defer(() => Deno.remove(directory, { recursive: true }));
  const { pid } = resources.use(await startServer(contestant, port, directory));
  const url = `http://127.0.0.1:${port}${contestant.path}`;
  const destination = typeof contestant.destination === "function"
    ? contestant.destination(port)
    : contestant.destination;
  const load = async (seconds: number) => {
    const script = await scriptOf(contestant, directory, port, seconds);
    const before = await destination?.arrived() ?? 0;
    const report = await runWrk(url, script, seconds, connections);
    return destination === undefined ? report : await whenArrived(report, destination, before);
  };
  await new Promise((resolve) => setTimeout(resolve, (contestant.idleSeconds ?? 0) * 1000));
  await load(WARM_UP_SECONDS);
  const owned = resources.move();
  let before = cpuSeconds(pid);
  return {
    measure: async (seconds) => {
      const { requests, requestsPerSecond, p99Ms } = await load(seconds);
      // From the end of the last load on: what it left to do was done since.
      const after = cpuSeconds(pid);
      const cpuPer10k = (after - before) / requests * 10_000;
      before = after;
      return { requests, requestsPerSecond, p99Ms, cpuPer10k, memoryMiB: residentMiB(pid) };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** How often it is looked whether all has arrived, in milliseconds. */
const LOOK_MS = 20;

/** The same load with the time until all of it has arrived. @param before what had arrived before it */
async function whenArrived(
  report: WrkReport,
  destination: CountingDestination,
  before: number,
): Promise<WrkReport> {
  const endedAt = performance.now();
  const deadline = AbortSignal.timeout(60_000);
  while (await destination.arrived() < before + report.requests) {
    deadline.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  const seconds = report.requests / report.requestsPerSecond + (performance.now() - endedAt) / 1000;
  return { ...report, requestsPerSecond: report.requests / seconds };
}

/**
 * Standard output goes to a file, as the gateway's would under a service manager. Each has a data directory of its own:
 * of two gateways on one, the second is not ready.
 */
async function startServer(
  contestant: Contestant,
  port: number,
  directory: string,
): Promise<AsyncDisposable & { readonly pid: number }> {
  const data = join(directory, "data");
  const places: Readonly<Record<string, string>> = { PORT: String(port), DIRECTORY: data };
  const program = contestant.program.map((argument) => places[argument] ?? argument);
  const { executable } = contestant;
  const start = executable === undefined ? [Deno.execPath(), "run", "--allow-all"] : [executable];
  const command = `exec ${[...start, ...program].map(quote).join(" ")} > ${quote(join(directory, "output"))}`;
  const process = new Deno.Command("bash", {
    args: ["-c", command],
    env: { DATA_DIR: data, ...contestant.environment, PORT: String(port) },
    stdin: "null",
    stderr: "inherit",
  }).spawn();
  await untilItAnswers(`http://127.0.0.1:${port}${contestant.path}`, contestant);
  return {
    pid: process.pid,
    [Symbol.asyncDispose]: async () => {
      process.kill("SIGKILL");
      await process.status;
    },
  };
}

async function untilItAnswers(url: string, contestant: Contestant): Promise<void> {
  const deadline = AbortSignal.timeout(60_000);
  const { body, headers, requests } = contestant;
  for (;;) {
    deadline.throwIfAborted();
    try {
      const response = requests === undefined
        ? await fetch(url, { method: "POST", body, headers: { ...headers } })
        : await fetch(new URL("/readyz", url));
      await response.body?.cancel();
      if (response.status === 200) return;
    } catch {
      // Not listening yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A script of the load generator that sends the body with these headers. */
export function luaScript({ body, headers }: Pick<Contestant, "body" | "headers">): string {
  const lines = Object.entries({ "Content-Type": "application/json", ...headers })
    .map(([name, value]) => `wrk.headers[${JSON.stringify(name)}] = ${JSON.stringify(value)}`);
  return [`wrk.method = "POST"`, `wrk.body = ${JSON.stringify(body)}`, ...lines].join("\n");
}

async function scriptOf(
  contestant: Contestant,
  directory: string,
  port: number,
  seconds: number,
): Promise<string> {
  const script = join(directory, "request.lua");
  const { requests } = contestant;
  if (requests === undefined) await Deno.writeTextFile(script, luaScript(contestant));
  else await writeReplay(script, await requests(port, seconds));
  return script;
}

/** Writes a script of the load generator that sends these requests, one after the other, and then again. */
export async function writeReplay(script: string, requests: readonly Uint8Array[]): Promise<void> {
  const data = `${script}.requests`;
  using file = await Deno.open(data, { write: true, create: true, truncate: true });
  const writer = file.writable.getWriter();
  for (const request of requests) {
    await writer.write(new TextEncoder().encode(`${request.length}\n`));
    await writer.write(request as Uint8Array<ArrayBuffer>);
  }
  await writer.close();
  await Deno.writeTextFile(script, REPLAY.replace("DATA", JSON.stringify(data)));
}

const REPLAY = `local requests = {}
local file = io.open(DATA, "rb")
for length in function() return file:read("*n") end do
  file:read(1)
  requests[#requests + 1] = file:read(length)
end
file:close()
local last = 0
request = function()
  last = last % #requests + 1
  return requests[last]
end
`;

/** What the load generator reports. */
export interface WrkReport {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly p99Ms: number;
}

/** As long as an output may take, unless its webhook says otherwise. */
const ANSWER_TIMEOUT = "10s";

/** @throws {Error} when a request failed or was not answered with 2xx or 3xx */
export async function runWrk(
  url: string,
  script: string,
  seconds: number,
  connections: number,
): Promise<WrkReport> {
  const { stdout, success } = await new Deno.Command("wrk", {
    args: [
      "--threads",
      "1",
      "--connections",
      String(connections),
      "--duration",
      `${seconds}s`,
      "--latency",
      "--timeout",
      ANSWER_TIMEOUT,
      "--script",
      script,
      url,
    ],
    stderr: "inherit",
  }).output();
  const text = new TextDecoder().decode(stdout);
  const failed = /Non-2xx or 3xx responses: (\d+)|Socket errors: (.*)/.exec(text);
  if (!success || failed !== null) throw new Error(`Load on ${url} failed: ${failed?.[0] ?? text}`);
  return {
    requests: Number(/(\d+) requests in/.exec(text)?.[1]),
    requestsPerSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]),
    p99Ms: toMilliseconds(/99%\s+([\d.]+)(us|ms|s)/.exec(text)),
  };
}

function toMilliseconds(match: RegExpExecArray | null): number {
  const factor = { us: 0.001, ms: 1, s: 1000 }[match?.[2] ?? ""] ?? NaN;
  return Number(match?.[1]) * factor;
}

/** User and system time that a process has used. */
export function cpuSeconds(pid: number): number {
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
}

function residentMiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1]) / 1024;
}

function median(measurements: readonly Measurement[]): Measurement {
  const middle = (pick: (measurement: Measurement) => number) =>
    measurements.map(pick).sort((a, b) => a - b)[Math.floor(measurements.length / 2)] ?? NaN;
  return {
    requestsPerSecond: middle((measurement) => measurement.requestsPerSecond),
    p99Ms: middle((measurement) => measurement.p99Ms),
    cpuPer10k: middle((measurement) => measurement.cpuPer10k),
    memoryMiB: middle((measurement) => measurement.memoryMiB),
  };
}

function quote(argument: string): string {
  return `'${argument.replaceAll("'", `'\\''`)}'`;
}
