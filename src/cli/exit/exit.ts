/**
 * The end of the process. The runtime sends what telemetry it has left before a process ends, and waits ten seconds
 * for each answer of a collector that is silent: here that wait has a bound.
 *
 * @module
 */

import { sendsTelemetry } from "../../observability/tracing.ts";
import { type EndOrder, openProcessEnd } from "./process_end.ts";

/** How long telemetry may take to leave at the end of a command that sets no other bound, in milliseconds. */
const TELEMETRY_MS = 1_000;

/** When the process is to have ended, on the clock of `performance.now`. */
let endsAt: number | undefined;

/** Has {@linkcode exit} wait for telemetry no longer than this from now on, in milliseconds. */
export function endWithin(milliseconds: number): void {
  endsAt = performance.now() + milliseconds;
}

/** Ends the process. Telemetry that has not left at the bound is lost. */
export async function exit(status: number): Promise<never> {
  if (sendsTelemetry() && openProcessEnd() !== undefined) {
    const leftMs = endsAt === undefined ? TELEMETRY_MS : Math.max(0, endsAt - performance.now());
    await endAfter(leftMs, status);
  }
  Deno.exit(status);
}

/** Ends the process without sending what telemetry is left. */
export function exitAtOnce(status: number): never {
  if (sendsTelemetry()) openProcessEnd()?.(status);
  Deno.exit(status);
}

/** From a thread of its own, since the main one is held up by the runtime. Resolves once that thread is there. */
async function endAfter(milliseconds: number, status: number): Promise<void> {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  const { promise, resolve } = Promise.withResolvers<void>();
  worker.onmessage = () => resolve();
  // Without the worker the end takes longer, and that is all.
  worker.onerror = (event) => {
    event.preventDefault();
    resolve();
  };
  worker.postMessage({ milliseconds, status } satisfies EndOrder);
  await promise;
}
