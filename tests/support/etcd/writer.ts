import type { EtcdGateway } from "./gateway.ts";

/** One acknowledged write. */
export interface Written {
  readonly id: string;
  readonly revision: number;
  readonly version: number;
}

/** Another process's hand: writes webhooks without a pause until it is disposed, and notes what etcd took. */
export class EtcdWriter implements AsyncDisposable {
  readonly written: Written[] = [];
  readonly #running: Promise<void>;
  #stopped = false;

  /** @param webhooks how many keys are written in turn: `default/webhooks/w0` and so on */
  constructor(
    private readonly etcd: EtcdGateway,
    private readonly prefix: string,
    private readonly webhooks: number,
  ) {
    this.#running = this.#run();
  }

  /** Resolves when so many writes more are done. */
  async writes(count: number): Promise<void> {
    const goal = this.written.length + count;
    while (this.written.length < goal) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  /** Ends writing. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #run(): Promise<void> {
    for (let version = 0; !this.#stopped; version++) {
      const id = `w${version % this.webhooks}`;
      const revision = await this.etcd.putJson(`${this.prefix}default/webhooks/${id}`, {
        "x-version": version,
      });
      this.written.push({ id, revision, version });
    }
  }
}
