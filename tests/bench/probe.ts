/** Requests at a steady pace, however late the answers are, and a flood beside them. */

import { setTimeout as sleep } from "node:timers/promises";
import { quantile } from "./etcd_report.ts";

/** Requests of the probe, in milliseconds from one to the next. */
const PACE_MS = 5;

/** How long the answers took. */
export interface Answers {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly count: number;
}

/**
 * Posts one event after the other for so long. Requests do not wait for the answers to earlier ones.
 *
 * @param onRefused gets the status of each answer that is not 200. @default the first one ends the benchmark
 * @param end ends it before the time is over
 */
export async function probe(
  url: string,
  body: string,
  seconds: number,
  onRefused: (status: number) => void = (status) => {
    throw new Error(`${url} answered ${status}`);
  },
  end?: AbortSignal,
): Promise<Answers> {
  const durations: number[] = [];
  const underWay = new Set<Promise<void>>();
  const begun = performance.now();
  for (let number = 0; number * PACE_MS < seconds * 1000 && end?.aborted !== true; number++) {
    const ahead = begun + number * PACE_MS - performance.now();
    if (ahead > 0) await sleep(ahead);
    const one = post(url, body, begun + number * PACE_MS).then(({ status, duration }) => {
      if (status !== 200) onRefused(status);
      durations.push(duration);
    });
    underWay.add(one);
    one.finally(() => underWay.delete(one));
  }
  await Promise.all(underWay);
  return summarize(durations);
}

/** @param from when the request was due, which counts even if this process was late itself */
async function post(
  url: string,
  body: string,
  from: number,
): Promise<{ readonly status: number; readonly duration: number }> {
  const answer = await fetch(url, { method: "POST", body });
  await answer.body?.cancel();
  return { status: answer.status, duration: performance.now() - from };
}

/** The figures of so many durations, in milliseconds. */
export function summarize(durations: readonly number[]): Answers {
  return { p50Ms: quantile(durations, 0.5), p99Ms: quantile(durations, 0.99), count: durations.length };
}

/** A flood that is going on. */
export interface Flood extends AsyncDisposable {
  /** Resolves with the requests per second, when it has ended. */
  readonly requestsPerSecond: Promise<number>;
}

/**
 * Begins to post events over 32 connections.
 *
 * @param pauseMs how long each connection waits after an answer; 0 for as many requests as the server takes
 */
export async function flood(url: string, body: string, seconds: number, pauseMs: number): Promise<Flood> {
  const script = await Deno.makeTempFile({ suffix: ".lua" });
  const lines = [
    `wrk.method = "POST"`,
    `wrk.body = ${JSON.stringify(body)}`,
    ...(pauseMs > 0 ? [`function delay() return ${pauseMs} end`] : []),
  ];
  await Deno.writeTextFile(script, lines.join("\n"));
  const child = new Deno.Command("wrk", {
    args: ["--threads", "1", "--connections", "32", "--duration", `${seconds}s`, "--script", script, url],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const ended = child.output();
  return {
    requestsPerSecond: ended.then(({ stdout }) =>
      Number(/Requests\/sec:\s+([\d.]+)/.exec(new TextDecoder().decode(stdout))?.[1])
    ),
    [Symbol.asyncDispose]: async () => {
      await ended;
      await Deno.remove(script);
    },
  };
}
