import { setTimeout as sleep } from "node:timers/promises";
import { pause } from "../../../src/time/abortable.ts";
import type { PulledEvent } from "../../../src/relay/pull/pulled_event.ts";
import { eventually } from "../eventually.ts";
import { PullClient } from "./pull_client.ts";
import type { RelayConsumer } from "./world.ts";

/** How long a poll waits, and how much longer its answer is waited for, in milliseconds. */
const WAIT_MS = 500;
const MARGIN_MS = 500;

/** The pause after something failed, in milliseconds. */
const PAUSE_MS = 20;

/** How long the target may take, and how often a lease is extended meanwhile, in milliseconds. */
const TARGET_MS = 5_000;
const EXTEND_MS = 100;
const LEASE_SECONDS = 2;

/** Statuses of the target that say that it will never take the event. */
const FINAL = [400, 404, 410];

/** A pulling consumer as somebody may write it: it sends each event on, one after the other, and settles it. */
export class PullConsumer implements RelayConsumer {
  readonly #client: PullClient;
  readonly #target: string;
  readonly #running: Promise<void>;
  readonly #stopping = new AbortController();
  isConnected = false;

  private constructor(origin: string, token: string, target: string) {
    this.#client = new PullClient(origin, { token, timeoutMs: WAIT_MS + MARGIN_MS });
    this.#target = target;
    this.#running = this.#run();
  }

  static start(origin: string, token: string, target: string): PullConsumer {
    return new PullConsumer(origin, token, target);
  }

  async connected(): Promise<void> {
    await eventually(() => this.isConnected);
  }

  async drain(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        const [event] = await this.#ask(this.#client.receive({ wait: WAIT_MS / 1000 }, signal));
        if (event !== undefined) await this.#handle(event);
      } catch {
        // Whatever it was, the event comes back: the consumer just goes on.
        await sleep(PAUSE_MS);
      }
    }
  }

  async #handle(event: PulledEvent): Promise<void> {
    const status = await this.#sendHeld(event);
    await this.#persist(async () => {
      if (status >= 200 && status < 300) await this.#client.ack(event);
      else if (FINAL.includes(status)) await this.#client.reject([event], `The target answered ${status}`);
      else await this.#client.release([event]);
    });
  }

  /** Says it until it is heard: what was handled is not to be handled again. */
  async #persist(say: () => Promise<void>): Promise<void> {
    await eventually(() => this.#ask(say()), { intervalMs: PAUSE_MS });
  }

  async #ask<Answer>(asking: Promise<Answer>): Promise<Answer> {
    try {
      const answer = await asking;
      this.isConnected = true;
      return answer;
    } catch (error) {
      this.isConnected = false;
      throw error;
    }
  }

  /** Keeps the event its own while the target has it. */
  async #sendHeld(event: PulledEvent): Promise<number> {
    const sent = new AbortController();
    const holding = this.#hold(event, sent.signal);
    try {
      return await this.#send(event);
    } finally {
      sent.abort();
      await holding;
    }
  }

  async #hold(event: PulledEvent, sent: AbortSignal): Promise<void> {
    for (;;) {
      await pause(EXTEND_MS, sent);
      if (sent.aborted) return;
      try {
        await this.#ask(this.#client.extend([event], LEASE_SECONDS));
      } catch {
        // The next one may get through in time.
      }
    }
  }

  /** Returns the target's status; 0 when it gave none. */
  async #send({ event_id, body, body_base64 }: PulledEvent): Promise<number> {
    try {
      const response = await fetch(this.#target, {
        method: "POST",
        headers: { "cwm-event-id": event_id },
        signal: AbortSignal.timeout(TARGET_MS),
        body: body_base64 === undefined ? body ?? "" : Uint8Array.fromBase64(body_base64),
      });
      await response.body?.cancel();
      return response.status;
    } catch {
      return 0;
    }
  }
}
