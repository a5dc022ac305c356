/** A gateway in front of Apache Kafka, senders, and a ledger of what they were promised. */

import { assertEquals } from "@std/assert";
import { setTimeout as sleep } from "node:timers/promises";
import { GatewayProcess } from "../../support/process/gateway_process.ts";
import { TempDir } from "../../support/temp_dir.ts";
import type { RealKafka } from "./real_kafka.ts";

/** The `module-config` of webhooks for Kafka by the webhooks' names. */
export type KafkaWebhooks = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** What a world is made of besides its cluster. */
export interface WorldOptions {
  /** Each with a webhook of the same name that answers when the brokers have the event, … */
  readonly webhooks: KafkaWebhooks;
  /** … or, for these, when it is in the journal. */
  readonly durable?: KafkaWebhooks;
  /** `retry` of these. @default the gateway's */
  readonly retry?: Readonly<Record<string, unknown>>;
  /** Of the connection. @default the plain door of all brokers */
  readonly connection?: Readonly<Record<string, unknown>>;
  /** Sources of another build of the gateway. @default these */
  readonly repository?: string;
}

/** An answer of the gateway. */
export interface Answer {
  readonly status: number;
  readonly code: string | undefined;
  readonly tookMs: number;
}

/** A gateway that delivers to a cluster. */
export class KafkaWorld implements AsyncDisposable {
  private constructor(readonly gateway: GatewayProcess, private readonly resources: AsyncDisposableStack) {}

  static async start(kafka: RealKafka, options: WorldOptions): Promise<KafkaWorld> {
    await using undo = new AsyncDisposableStack();
    const dir = undo.use(await TempDir.create());
    const { webhooks, durable = {}, retry } = options;
    const forKafka = { module: "kafka", connection: "kafka_main", data_type: "blob" };
    const durably = { accept: "durable", ...(retry === undefined ? {} : { retry }) };
    const webhooksOf = (configs: KafkaWebhooks, keys: Readonly<Record<string, unknown>>) =>
      Object.entries(configs).map(([name, config]) =>
        [name, { ...forKafka, ...keys, "module-config": config }] as const
      );
    await dir.writeJson(
      "webhooks.json",
      Object.fromEntries([...webhooksOf(webhooks, { accept: "delivered" }), ...webhooksOf(durable, durably)]),
    );
    await dir.writeJson("connections.json", {
      kafka_main: { type: "kafka", bootstrap_servers: kafka.bootstrap, ...options.connection },
    });
    const { repository } = options;
    const gateway = undo.use(
      await GatewayProcess.start({
        cwd: dir.path,
        env: { SHUTDOWN_GRACE_MS: "0", SHUTDOWN_TIMEOUT_MS: "1000" },
        ...(repository === undefined ? {} : { repository }),
      }),
    );
    await gateway.waitUntilReady();
    return new KafkaWorld(gateway, undo.move());
  }

  /** Posts one event. */
  async post(webhook: string, body: string | Uint8Array<ArrayBuffer>): Promise<Answer> {
    const startedAt = performance.now();
    const answer = await fetch(`${this.gateway.url}/webhook/${webhook}`, { method: "POST", body })
      .catch((cause) => {
        throw new Error(`The gateway does not answer; its output:\n${this.gateway.process.output}`, {
          cause,
        });
      });
    const text = await answer.text();
    const tookMs = performance.now() - startedAt;
    const code = answer.ok ? undefined : (JSON.parse(text) as { error?: { code: string } }).error?.code;
    return { status: answer.status, code, tookMs };
  }

  /** Whether the journal holds nothing any more. */
  async isJournalEmpty(): Promise<boolean> {
    return (await this.metrics()).includes("cwm_events_pending 0\n");
  }

  async metrics(): Promise<string> {
    return await (await fetch(`${this.gateway.url}/metrics`)).text();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.resources.disposeAsync();
  }
}

/** Senders that post to one webhook, each again as soon as it has its answer, until they are stopped. */
export class Senders {
  /** The bodies of events that were answered with 200. */
  readonly accepted: string[] = [];
  /** How often each other answer came, as `status code`. */
  readonly refused = new Map<string, number>();
  /** The longest time without a 200, in milliseconds. */
  longestGapMs = 0;
  /** The longest time that a sender waited for any answer, in milliseconds. */
  longestAnswerMs = 0;
  readonly #world: KafkaWorld;
  readonly #webhook: string;
  readonly #prefix: string;
  readonly #working: Promise<unknown>;
  #next = 0;
  #lastAt = performance.now();
  #isStopping = false;

  /** @param pauseMs how long each sender does nothing after an answer, in milliseconds */
  constructor(world: KafkaWorld, webhook: string, { senders = 8, pauseMs = 10 } = {}) {
    this.#world = world;
    this.#webhook = webhook;
    this.#prefix = `${webhook}-${crypto.randomUUID().slice(0, 8)}`;
    this.#working = Promise.all(Array.from({ length: senders }, () => this.#work(pauseMs)));
    this.#working.catch(() => {}); // Thrown by `stop`, unless something else has failed before.
  }

  async stop(): Promise<this> {
    this.#isStopping = true;
    await this.#working;
    return this;
  }

  async #work(pauseMs: number): Promise<void> {
    while (!this.#isStopping) {
      const body = `${this.#prefix}-${this.#next++}`;
      const { status, code, tookMs } = await this.#world.post(this.#webhook, body);
      this.longestAnswerMs = Math.max(this.longestAnswerMs, tookMs);
      if (status === 200) this.#accept(body);
      else this.refused.set(`${status} ${code}`, (this.refused.get(`${status} ${code}`) ?? 0) + 1);
      await sleep(pauseMs);
    }
  }

  #accept(body: string): void {
    this.accepted.push(body);
    const now = performance.now();
    this.longestGapMs = Math.max(this.longestGapMs, now - this.#lastAt);
    this.#lastAt = now;
  }
}

/** What a topic holds of events that were accepted. */
export interface Ledger {
  readonly accepted: number;
  readonly missing: readonly string[];
  readonly repeated: readonly string[];
}

/** Looks every accepted event up in the topic. */
export async function ledgerOf(
  kafka: RealKafka,
  topic: string,
  accepted: readonly string[],
): Promise<Ledger> {
  const counts = new Map<string, number>();
  for (const { value } of await kafka.consume(topic)) {
    const body = new TextDecoder().decode(value.subarray(0, 200));
    counts.set(body, (counts.get(body) ?? 0) + 1);
  }
  return {
    accepted: accepted.length,
    missing: accepted.filter((body) => !counts.has(body)),
    repeated: [...counts].filter(([, count]) => count > 1).map(([body]) => body),
  };
}

/** Fails unless every accepted event is in the topic, and no event is there twice. */
export async function assertExact(
  kafka: RealKafka,
  topic: string,
  accepted: readonly string[],
): Promise<void> {
  const { missing, repeated } = await ledgerOf(kafka, topic, accepted);
  assertEquals({ missing, repeated }, { missing: [], repeated: [] }, `of ${accepted.length} accepted`);
}
