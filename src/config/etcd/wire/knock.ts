/**
 * Finding out that an endpoint is back without calling it: a bare TCP connection, closed as soon as it is
 * accepted. It costs etcd nothing, so it may be made far more often than a login.
 *
 * @module
 */

import { connect } from "node:net";
import { configurationNames } from "../../../io/name_lookups.ts";
import type { EtcdEndpoint } from "./endpoint.ts";
import { pause } from "../../../time/abortable.ts";

/** How long one endpoint may take to accept, in milliseconds. */
const ACCEPT_TIMEOUT_MS = 2_000;

/** When which endpoints are tried. */
export interface KnockOptions {
  /** Tried at once: that one of these accepts is news. */
  readonly unreachable: readonly EtcdEndpoint[];
  /** All of them, tried once in every interval. */
  readonly endpoints: readonly EtcdEndpoint[];
  /** From one try to the next, in milliseconds. */
  readonly intervalMs: number;
  readonly signal: AbortSignal;
}

/** Resolves with the endpoint that was the first to accept, or with `undefined` when the signal aborts. */
export async function knockUntilAccepted(
  { unreachable, endpoints, intervalMs, signal }: KnockOptions,
): Promise<EtcdEndpoint | undefined> {
  let accepting = await firstToAccept(unreachable, signal);
  while (accepting === undefined && !signal.aborted) {
    await pause(intervalMs, signal);
    accepting = await firstToAccept(endpoints, signal);
  }
  return accepting;
}

async function firstToAccept(
  endpoints: readonly EtcdEndpoint[],
  signal: AbortSignal,
): Promise<EtcdEndpoint | undefined> {
  const decided = new AbortController();
  const until = AbortSignal.any([signal, decided.signal]);
  const timer = setTimeout(() => decided.abort(), ACCEPT_TIMEOUT_MS);
  let first: EtcdEndpoint | undefined;
  await Promise.all(endpoints.map(async (endpoint) => {
    if (!await accepts(endpoint, until)) return;
    first ??= endpoint;
    decided.abort();
  }));
  clearTimeout(timer);
  return first;
}

/** An endpoint that refuses, cannot be resolved or takes too long does not accept. */
function accepts({ host, port }: EtcdEndpoint, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    let accepted = false;
    const socket = connect({ host, port, lookup: configurationNames.lookup });
    const abort = () => socket.destroy();
    signal.addEventListener("abort", abort, { once: true });
    socket.once("connect", () => {
      accepted = true;
      socket.destroy();
    });
    socket.on("error", () => socket.destroy());
    socket.once("close", () => {
      signal.removeEventListener("abort", abort);
      resolve(accepted);
    });
  });
}
