/** Clients that send hostile requests, one after the other, each over a connection of its own. */

import { setTimeout as sleep } from "node:timers/promises";
import { RawHttpConnection } from "../support/http/raw_http.ts";
import type { HostileRequest, HostileRequests } from "./hostile_request.ts";
import { type Answer, answerOf } from "./victim.ts";

/** How long an answer may take, in milliseconds: longer than the gateway's own time-outs. */
const ANSWER_TIMEOUT_MS = 60_000;

/** How long a sender goes on sending that has its answer, or waits for none, in milliseconds. */
const REST_TIMEOUT_MS = 10_000;

/** What hostile senders need. */
export interface HostileSendersOptions {
  readonly port: number;
  readonly count: number;
  readonly requests: HostileRequests;
  /** How long each of them waits after a request, in milliseconds. @default 0 */
  readonly pauseMs?: number;
  /** Called with every answer. */
  readonly onAnswer?: (answer: Answer, request: HostileRequest) => void;
}

/** A request, and how long it took in milliseconds. */
export interface SlowRequest {
  readonly name: string;
  readonly ms: number;
}

/** Senders that are at work until they are stopped. */
export class HostileSenders {
  readonly #options: HostileSendersOptions;
  readonly #running: Promise<void>[];
  #longest: SlowRequest = { name: "none", ms: 0 };
  #isStopped = false;

  constructor(options: HostileSendersOptions) {
    this.#options = options;
    this.#running = Array.from({ length: options.count }, () => this.#run());
  }

  /** Requests that were begun. */
  get sent(): number {
    return this.#options.requests.taken;
  }

  /** The request that took longest from its connection to its end. */
  get longest(): SlowRequest {
    return this.#longest;
  }

  /** Ends after the requests that are under way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#running);
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const request = await this.#options.requests.take();
      const begun = performance.now();
      try {
        await this.#send(request);
      } catch {
        // Connections that are refused or cut off are what such senders get; the gateway's state tells the rest.
      }
      const ms = performance.now() - begun;
      if (ms > this.#longest.ms) this.#longest = { name: request.name, ms };
      // The pace of the load.
      await sleep(this.#options.pauseMs ?? 0);
    }
  }

  async #send(request: HostileRequest): Promise<void> {
    await using connection = await RawHttpConnection.open(this.#options.port);
    const { parts, ending } = request;
    if (ending === "leaves") {
      return await endsSoonAfter(undefined, writeAll(connection, request, parts.slice(0, parts.length / 2)));
    }
    const answer = connection.readResponse({ method: "POST", timeoutMs: ANSWER_TIMEOUT_MS });
    const written = writeAll(connection, request, ending === "stalls" ? parts.slice(0, -1) : parts);
    const [received] = await Promise.all([answer, endsSoonAfter(answer, written)]);
    this.#options.onAnswer?.(answerOf(received), request);
  }
}

/**
 * Ends with the work, however it ends, and at the latest a while after an answer: nobody may be reading any more.
 *
 * @param answer `undefined` where none is waited for
 */
async function endsSoonAfter(answer: Promise<unknown> | undefined, work: Promise<void>): Promise<void> {
  const ended = new AbortController();
  const isLate = (async () => {
    await answer;
    // A deadline: what is awaited is the work, which ends it earlier.
    await sleep(REST_TIMEOUT_MS, undefined, { signal: ended.signal });
  })();
  await Promise.race([work, isLate]).catch(() => {});
  ended.abort();
  await isLate.catch(() => {});
}

async function writeAll(
  connection: RawHttpConnection,
  { head }: HostileRequest,
  parts: readonly Uint8Array[],
): Promise<void> {
  await connection.write(head);
  for (const part of parts) await connection.write(part);
}
