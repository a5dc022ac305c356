/**
 * Another process's hand in etcd: it goes on changing webhooks, and keeps a ledger of what etcd has
 * acknowledged.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { EtcdGateway, EtcdValue } from "../../../support/etcd/gateway.ts";

/** What all keys begin with. */
export const PREFIX = "/cwm/";

/** The webhooks that are changed in turn. */
export const WEBHOOKS = ["w0", "w1", "w2", "w3"] as const;

/** From one acknowledged put to the next, in milliseconds. */
const INTERVAL_MS = 50;

/** A put that etcd has acknowledged. */
export interface Acknowledged {
  readonly token: string;
  readonly revision: number;
  /** On the clock of `performance.now()`. */
  readonly at: number;
}

/** The key of a webhook. */
export function keyOf(webhook: string): string {
  return `${PREFIX}default/webhooks/${webhook}`;
}

/** Where the writer gets at etcd. */
export type Door = Pick<EtcdGateway, "putJson" | "read">;

/** Writes until it is disposed: the tokens that the webhooks ask senders for are a counter. */
export class LedgerWriter implements AsyncDisposable {
  /** The last acknowledged put of each webhook. */
  readonly last = new Map<string, Acknowledged>();
  /** Acknowledged puts whose revision a gateway is not known to have applied, the oldest first. */
  pending: Acknowledged[] = [];
  /** All acknowledged puts. */
  acknowledged = 0;
  /** Puts that failed, or whose answer did not come. */
  failed = 0;
  #counter = 0;
  #member = 0;
  #running: Promise<void> | undefined;
  #isStopping = false;
  #isClosed = false;

  /** @param doors the members to write to; one that fails is followed by the next */
  constructor(public doors: readonly Door[]) {}

  /** Changes each webhook once, however long etcd takes to acknowledge it. */
  async round(): Promise<void> {
    for (const webhook of WEBHOOKS) {
      while (!this.#isClosed && !await this.#put(webhook)) await sleep(INTERVAL_MS);
    }
  }

  /** Begins, or goes on, to write all the time. */
  resume(): void {
    this.#isStopping = false;
    this.#running ??= this.#run();
  }

  /** Resolves when nothing is being written any more. */
  async pause(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
    this.#running = undefined;
  }

  /** What was acknowledged has been lost by an operator's decision. */
  forget(): void {
    this.last.clear();
    this.pending = [];
  }

  /** What etcd holds of the webhooks, as the first member says that answers. Others may stand beside them. */
  async read(): Promise<Map<string, EtcdValue>> {
    const answers = this.doors.map((door) => door.read(keyOf("w")));
    return await Promise.any(answers);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.pause();
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      await this.#put(WEBHOOKS[this.#counter % WEBHOOKS.length]!);
      await sleep(INTERVAL_MS);
    }
  }

  /** Returns whether etcd has acknowledged it. What it has not may be applied all the same, now or later. */
  async #put(webhook: string): Promise<boolean> {
    const token = `token-${this.#counter++}-of-the-situations`;
    const value = { module: "log", authorization: `Bearer ${token}` };
    try {
      const revision = await this.doors[this.#member % this.doors.length]!.putJson(keyOf(webhook), value);
      const entry = { token, revision, at: performance.now() };
      this.last.set(webhook, entry);
      this.pending.push(entry);
      this.acknowledged++;
      return true;
    } catch {
      this.failed++;
      this.#member++;
      return false;
    }
  }
}
