/** Senders that behave: an event each so many milliseconds, however late the answers are. */

import { setTimeout as sleep } from "node:timers/promises";
import type { SeededRandom } from "../faults/random.ts";
import type { Noted } from "./soak_ledger.ts";

/** What steady senders send. */
export interface SteadyOptions {
  readonly origin: string;
  readonly webhooks: readonly string[];
  /** From one event to the next, in milliseconds, whatever the webhook. */
  readonly paceMs: number;
  readonly random: SeededRandom;
  /** Called with every answer, also with none. */
  readonly onAnswer: (webhook: string, answer: Noted) => void;
}

/** They send until they are stopped. */
export class SteadySenders {
  readonly #options: SteadyOptions;
  readonly #underWay = new Set<Promise<void>>();
  readonly #running: Promise<void>;
  #isStopped = false;

  constructor(options: SteadyOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Ends when every event that was sent has its answer. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    const { paceMs, webhooks } = this.#options;
    const begun = performance.now();
    for (let number = 0; !this.#isStopped; number++) {
      const due = begun + number * paceMs;
      const ahead = due - performance.now();
      if (ahead > 0) await sleep(ahead);
      const one = this.#send(webhooks[number % webhooks.length]!, number, due);
      this.#underWay.add(one);
      one.finally(() => this.#underWay.delete(one));
    }
    await Promise.all(this.#underWay);
  }

  async #send(webhook: string, number: number, due: number): Promise<void> {
    const { origin, onAnswer, random } = this.#options;
    const body = JSON.stringify({ number, text: "x".repeat(random.between(0, 2000)) });
    try {
      const answer = await fetch(`${origin}/webhook/${webhook}`, { method: "POST", body });
      const { event_id, error } = await answer.json() as { event_id?: string; error?: { code: string } };
      onAnswer(webhook, {
        status: answer.status,
        ms: performance.now() - due,
        eventId: event_id,
        code: error?.code,
      });
    } catch (error) {
      onAnswer(webhook, {
        status: 0,
        ms: performance.now() - due,
        eventId: undefined,
        code: String(error),
      });
    }
  }
}
