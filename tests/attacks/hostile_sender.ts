/** Clients that send hostile requests, one after the other, each over a connection of its own. */

import { setTimeout as sleep } from "node:timers/promises";
import type { SeededRandom } from "../faults/random.ts";
import { RawHttpConnection } from "../support/http/raw_http.ts";
import { generateHostileRequest, type HostileRequest } from "./hostile_request.ts";
import { type Answer, answerOf } from "./victim.ts";

/** How many requests are generated; senders take them in turn, from then on again. */
const VARIETY = 300;

/** How long an answer may take, in milliseconds: longer than the gateway's own time-outs. */
const ANSWER_TIMEOUT_MS = 60_000;

/** What hostile senders need. */
export interface HostileSendersOptions {
  readonly port: number;
  readonly count: number;
  readonly random: SeededRandom;
  /** Ids of the webhooks that are sent to. */
  readonly webhooks: readonly string[];
  /** How long each of them waits after a request, in milliseconds. @default 0 */
  readonly pauseMs?: number;
  /** Called with every answer. */
  readonly onAnswer?: (answer: Answer, request: HostileRequest) => void;
}

/** Senders that are at work until they are stopped. */
export class HostileSenders {
  readonly #options: HostileSendersOptions;
  readonly #running: Promise<void>[];
  readonly #requests: HostileRequest[] = [];
  #next = 0;
  #isStopped = false;

  constructor(options: HostileSendersOptions) {
    this.#options = options;
    this.#running = Array.from({ length: options.count }, () => this.#run());
  }

  /** Requests that were begun. */
  get sent(): number {
    return this.#next;
  }

  /** Ends after the requests that are under way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#running);
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const request = await this.#take();
      try {
        await this.#send(request);
        await sleep(this.#options.pauseMs ?? 0);
      } catch {
        // Connections that are refused or cut off are what such senders get; the gateway's state tells the rest.
      }
    }
  }

  async #take(): Promise<HostileRequest> {
    const index = this.#next++;
    if (this.#requests.length >= VARIETY) return this.#requests[index % VARIETY]!;
    const request = await generateHostileRequest(this.#options.random, this.#options.webhooks);
    this.#requests.push(request);
    return request;
  }

  async #send(request: HostileRequest): Promise<void> {
    await using connection = await RawHttpConnection.open(this.#options.port);
    const { parts, ending } = request;
    if (ending === "leaves") return await writeAll(connection, request, parts.slice(0, parts.length / 2));
    const answer = connection.readResponse({ method: "POST", timeoutMs: ANSWER_TIMEOUT_MS });
    const written = writeAll(connection, request, ending === "stalls" ? parts.slice(0, -1) : parts);
    const [received] = await Promise.all([answer, written.catch(() => {})]);
    this.#options.onAnswer?.(answerOf(received), request);
  }
}

async function writeAll(
  connection: RawHttpConnection,
  { head }: HostileRequest,
  parts: readonly Uint8Array[],
): Promise<void> {
  await connection.write(head);
  for (const part of parts) await connection.write(part);
}
