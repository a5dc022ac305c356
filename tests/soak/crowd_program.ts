/**
 * Everybody in a soak but the good senders and their destination: hostile senders, senders whose destinations fail, and
 * those destinations. They are a process of their own, which the soak runs with the least priority: what they take of
 * the processors must not be what good senders wait for. Orders come in and news go out as lines of JSON.
 *
 * @module
 */

import { SeededRandom } from "../faults/random.ts";
import { TextLineStream } from "../support/text_line_stream.ts";
import type { HostileNews, HostileOrder } from "./hostile_worker.ts";
import type { CrowdNews, CrowdOrder } from "./crowd.ts";
import { SoakReceiver } from "./soak_receiver.ts";
import { failingWebhooks, hostileWebhooks } from "./soak_webhooks.ts";
import { SteadySenders } from "./steady_senders.ts";

const FAILING_PACE_MS = 50;
const HOSTILE_SENDERS = 8;
const HOSTILE_PAUSE_MS = 250;

const encoder = new TextEncoder();

class Crowd {
  readonly #seed: number;
  readonly #bad: SoakReceiver;
  readonly #attacked: SoakReceiver;
  readonly #hostile = new Worker(new URL("./hostile_worker.ts", import.meta.url), { type: "module" });
  #unlucky: SteadySenders | undefined;

  private constructor(seed: number, bad: SoakReceiver, attacked: SoakReceiver) {
    this.#seed = seed;
    this.#bad = bad;
    this.#attacked = attacked;
    this.#hostile.onmessage = ({ data }: MessageEvent<HostileNews>) => this.#hear(data);
  }

  static async start(seed: number): Promise<Crowd> {
    const bad = await SoakReceiver.start(new SeededRandom(seed + 2));
    const attacked = await SoakReceiver.start(new SeededRandom(seed + 3));
    const crowd = new Crowd(seed, bad, attacked);
    crowd.#order({ seed, webhooks: Object.keys(hostileWebhooks(attacked.url)) });
    return crowd;
  }

  /** Returns whether more orders may come. */
  async obey(order: CrowdOrder): Promise<boolean> {
    if (order === "stop") {
      this.#order("stop");
      await this.#unlucky?.stop();
    } else if (order === "behave") {
      this.#bad.isOver = this.#attacked.isOver = true;
    } else if (order === "end") {
      tell({ taken: [...this.#bad.taken, ...this.#attacked.taken] });
      this.#hostile.terminate();
      await Promise.all([this.#bad[Symbol.asyncDispose](), this.#attacked[Symbol.asyncDispose]()]);
    } else {
      this.#begin(order.port);
    }
    return order !== "end";
  }

  #begin(port: number): void {
    this.#unlucky = new SteadySenders({
      origin: `http://127.0.0.1:${port}`,
      webhooks: Object.keys(failingWebhooks(this.#bad.url)),
      paceMs: FAILING_PACE_MS,
      random: new SeededRandom(this.#seed + 4),
      onAnswer: (webhook, answer) => tell({ ...answer, webhook }),
    });
    this.#order({ port, count: HOSTILE_SENDERS, pauseMs: HOSTILE_PAUSE_MS });
  }

  #hear(news: HostileNews): void {
    if (news === "prepared") tell({ failing: this.#bad.url, attacked: this.#attacked.url });
    else if ("sent" in news) tell(news);
    else tell({ webhook: news.webhook, status: news.status, ms: 0, eventId: news.eventId, code: news.code });
  }

  #order(order: HostileOrder): void {
    this.#hostile.postMessage(order);
  }
}

function tell(news: CrowdNews): void {
  const line = encoder.encode(`${JSON.stringify(news)}\n`);
  for (let written = 0; written < line.length;) written += Deno.stdout.writeSync(line.subarray(written));
}

const crowd = await Crowd.start(Number(Deno.args[0]));
const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
for await (const line of lines) {
  if (!await crowd.obey(JSON.parse(line) as CrowdOrder)) break;
}
