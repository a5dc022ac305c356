import type { KeptValue, KeptValues } from "../../records/kept_values.ts";
import type { WorkerClient } from "./worker_client.ts";

/** The {@linkcode KeptValues} of a journal. What only looks makes no file. */
export class SqliteKeptValues implements KeptValues {
  readonly #worker: WorkerClient;

  constructor(worker: WorkerClient) {
    this.#worker = worker;
  }

  get isOpen(): boolean {
    return this.#worker.isStarted;
  }

  async put(name: string, value: Uint8Array): Promise<void> {
    await this.#worker.operate("putKeptValue", { name, value });
  }

  async list(prefix: string, after = ""): Promise<readonly KeptValue[]> {
    return this.isOpen ? await this.#worker.operate("listKeptValues", { prefix, after }) : [];
  }

  async remove(name: string): Promise<void> {
    if (this.isOpen) await this.#worker.operate("removeKeptValue", { name });
  }
}
