/**
 * The gateway thread's side of the secrets that providers have brought.
 *
 * @module
 */

import type { HandshakeStore, KeptHandshake } from "../../auth/challenges/handshakes.ts";
import type { LaneKey } from "../journal.ts";
import type { WorkerClient } from "./worker_client.ts";

/** The {@linkcode HandshakeStore} of a journal. What only looks makes no file. */
export class SqliteHandshakes implements HandshakeStore {
  readonly #worker: WorkerClient;

  constructor(worker: WorkerClient) {
    this.#worker = worker;
  }

  async list(): Promise<ReadonlyMap<string, KeptHandshake>> {
    if (!this.#worker.isStarted) return new Map();
    const kept = await this.#worker.operate("listHandshakes", {});
    return new Map(
      kept.map(({ namespace, webhook, ...handshake }) => [`${namespace}/${webhook}`, handshake]),
    );
  }

  async find(webhook: string): Promise<KeptHandshake | undefined> {
    if (!this.#worker.isStarted) return undefined;
    return await this.#worker.operate("findHandshake", nameOf(webhook));
  }

  async keep(webhook: string, secret: string, takenAt: number): Promise<boolean> {
    return await this.#worker.operate("keepHandshake", { ...nameOf(webhook), secret, takenAt });
  }

  async markShown(webhook: string): Promise<boolean> {
    return this.#worker.isStarted && await this.#worker.operate("markHandshakeShown", nameOf(webhook));
  }

  async forget(webhook: string): Promise<boolean> {
    return this.#worker.isStarted && await this.#worker.operate("forgetHandshake", nameOf(webhook));
  }
}

function nameOf(path: string): LaneKey {
  const [namespace = "", webhook = ""] = path.split("/");
  return { namespace, webhook };
}
