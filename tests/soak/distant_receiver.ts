/** A destination on a thread of its own, as the soak's own thread sees it. */

import type { ReceiverNews, ReceiverOrder } from "./receiver_worker.ts";

/** One destination: it listens from the start until it is ended. */
export class DistantReceiver implements Disposable {
  readonly #worker = new Worker(new URL("./receiver_worker.ts", import.meta.url), { type: "module" });
  #url = "";

  private constructor() {}

  static async start(seed: number): Promise<DistantReceiver> {
    const receiver = new DistantReceiver();
    const news = await receiver.#ask({ seed });
    receiver.#url = "url" in news ? news.url : "";
    return receiver;
  }

  get url(): string {
    return this.#url;
  }

  /** It answers everything with 200 from now on. */
  behave(): void {
    this.#worker.postMessage("behave" satisfies ReceiverOrder);
  }

  /** Ends it, and returns the ids of events that it answered 200. */
  async end(): Promise<ReadonlySet<string>> {
    const news = await this.#ask("end");
    return "taken" in news ? news.taken : new Set();
  }

  #ask(order: ReceiverOrder): Promise<ReceiverNews> {
    return new Promise((resolve, reject) => {
      this.#worker.onmessage = ({ data }: MessageEvent<ReceiverNews>) => resolve(data);
      this.#worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error(event.message));
      };
      this.#worker.postMessage(order);
    });
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}
