/**
 * Gathers commands of many callers into few writes.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import { assertCount, DeliveryError } from "../../errors.ts";
import type { RedisClient, RedisCommand, RedisReply } from "./client.ts";

/** Commands and bytes of one write. More are not faster, and delay what other clients ask of Redis. */
const MAX_BATCH_COMMANDS = 256;
const MAX_BATCH_BYTES = 1024 * 1024;

/** While Redis works on one write, the next is on its way. */
const MAX_UNDERWAY = 2;

/** Commands and bytes that may wait. The gateway's own limits keep far below them. */
const MAX_WAITING_COMMANDS = 32 * 1024;
const MAX_WAITING_BYTES = 256 * 1024 * 1024;

/** A command with the approximate size of its arguments in bytes. */
export interface RedisRequest {
  readonly command: RedisCommand;
  readonly bytes: number;
}

/** The requests of one caller. */
class Call {
  readonly requests: readonly RedisRequest[];
  readonly bytes: number;
  readonly #signal: AbortSignal;
  readonly #resolve: (replies: readonly RedisReply[]) => void;
  ended = false;

  constructor(
    requests: readonly RedisRequest[],
    signal: AbortSignal,
    resolve: (replies: readonly RedisReply[]) => void,
  ) {
    this.requests = requests;
    this.bytes = requests.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#signal = signal;
    this.#resolve = resolve;
    signal.addEventListener("abort", this.#abort, { once: true });
  }

  /** Gives the caller its replies, unless it has gone. */
  end(replies: readonly RedisReply[]): void {
    if (this.ended) return;
    this.ended = true;
    this.#signal.removeEventListener("abort", this.#abort);
    this.#resolve(replies);
  }

  /** Gives every request of the caller the same reply. */
  endWith(reply: RedisReply): void {
    this.end(this.requests.map(() => reply));
  }

  readonly #abort = () =>
    this.endWith(new DeliveryError("output_timeout", "Redis did not take the event in time"));
}

/**
 * Puts what many callers have for Redis at the same time into few large writes. A caller alone does not
 * wait; the more there are, the larger the writes become.
 */
export class RedisBatcher {
  readonly #client: RedisClient;
  readonly #waiting: Call[] = [];
  #waitingCommands = 0;
  #waitingBytes = 0;
  #underway = 0;
  #isFlushing = false;

  constructor(client: RedisClient) {
    this.#client = client;
  }

  /**
   * Sends a caller's requests, in order; one reply each. An aborted caller is not kept waiting, but what
   * was sent already may be executed.
   */
  send(requests: readonly RedisRequest[], signal: AbortSignal): Promise<readonly RedisReply[]> {
    if (requests.length === 0) return Promise.resolve([]);
    return new Promise((resolve) => {
      const call = new Call(requests, signal, resolve);
      if (signal.aborted) return call.endWith(new DeliveryError("output_timeout"));
      this.#waitingCommands += requests.length;
      this.#waitingBytes += call.bytes;
      this.#waiting.push(call);
      if (this.#waitingCommands > MAX_WAITING_COMMANDS || this.#waitingBytes > MAX_WAITING_BYTES) {
        call.endWith(new DeliveryError("output_unavailable", "Too many events wait for Redis"));
      }
      this.#flushSoon();
    });
  }

  /** After the events that are at hand in this turn of the event loop, so that they go together. */
  #flushSoon(): void {
    if (this.#isFlushing || this.#underway >= MAX_UNDERWAY) return;
    this.#isFlushing = true;
    setImmediate(() => {
      this.#isFlushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#underway < MAX_UNDERWAY) {
      const batch = this.#takeBatch();
      if (batch.length === 0) return;
      this.#underway++;
      void this.#run(batch);
    }
  }

  #takeBatch(): readonly Call[] {
    const batch: Call[] = [];
    let commands = 0;
    let bytes = 0;
    let taken = 0;
    for (const call of this.#waiting) {
      const fits = commands + call.requests.length <= MAX_BATCH_COMMANDS &&
        bytes + call.bytes <= MAX_BATCH_BYTES;
      if (batch.length > 0 && !fits) break;
      taken++;
      this.#waitingCommands = assertCount(this.#waitingCommands - call.requests.length, "waiting commands");
      this.#waitingBytes = assertCount(this.#waitingBytes - call.bytes, "bytes that wait for Redis");
      if (call.ended) continue;
      batch.push(call);
      commands += call.requests.length;
      bytes += call.bytes;
    }
    this.#waiting.splice(0, taken);
    return batch;
  }

  async #run(batch: readonly Call[]): Promise<void> {
    const commands: RedisCommand[] = [];
    for (const { requests } of batch) for (const { command } of requests) commands.push(command);
    const replies = await this.#client.execute(commands);
    this.#underway = assertCount(this.#underway - 1, "batches under way");
    // Before the callers go on, so that Redis has work while they do.
    this.#flush();
    let next = 0;
    for (const call of batch) call.end(replies.slice(next, next += call.requests.length));
  }
}
