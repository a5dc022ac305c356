/**
 * The output of `gcp_pubsub`: the events of one topic.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { DeliveryError } from "../../errors.ts";
import type { Event } from "../../event/event.ts";
import { halves } from "../halves.ts";
import type { Attempt, Delivery, DeliveryResult, ModuleContext, Output } from "../module.ts";
import { NO_BODY, PubsubClient, type TopicRequest } from "./client.ts";
import { partitionOf, type PubsubConfig } from "./config.ts";
import type { PubsubConnection } from "./connection.ts";
import { judgeRefusal } from "./errors.ts";
import { type Message, messageOf, packMessages, requestOf } from "./message.ts";

/** What publishing asks for. */
const PERMISSION = "pubsub.topics.publish";

/** A message, and where its result goes. */
interface Sending {
  readonly index: number;
  readonly config: PubsubConfig;
  readonly message: Message;
}

/** Publishes events. */
export class PubsubOutput implements Output<PubsubConfig> {
  readonly #client: PubsubClient;
  /** Of the last event: all have the same topic, as the module's partitions have it. */
  #config: PubsubConfig | undefined;

  constructor(connection: PubsubConnection, context: Pick<ModuleContext, "traces">) {
    this.#client = new PubsubClient(connection, context);
  }

  async deliver(
    batch: readonly Delivery<PubsubConfig>[],
    { signal }: Attempt,
  ): Promise<readonly DeliveryResult[]> {
    const results: DeliveryResult[] = [];
    const sendings: Sending[] = [];
    for (const [index, { event, config }] of batch.entries()) {
      this.#config = config;
      const message = prepare(event, config);
      if (message instanceof DeliveryError) results[index] = message;
      else sendings.push({ index, config, message });
    }
    const topics = Map.groupBy(sendings, ({ config }) => partitionOf(config));
    for (const together of topics.values()) await this.#publishAll(together, results, signal);
    return results;
  }

  /** Looks at a topic only where it is known which one is meant. */
  async probe(signal: AbortSignal): Promise<void> {
    if (this.#config === undefined) await this.#client.reach(signal);
    else await this.probeFor(this.#config, signal);
  }

  async probeFor(config: PubsubConfig, signal: AbortSignal): Promise<void> {
    // Emulators know no rights.
    if (this.#client.isEmulator) return void await this.#ask({ ...topicOf(config), ...LOOK }, signal);
    const answer = await this.#ask({ ...topicOf(config), ...TEST_RIGHTS }, signal);
    const { permissions } = parsed(answer) as { readonly permissions?: unknown };
    if (Array.isArray(permissions) && permissions.includes(PERMISSION)) return;
    const { topic } = config;
    throw new DeliveryError(
      "output_unavailable",
      `${this.#client.name} has no topic '${topic}', or does not give the credentials ${PERMISSION} on it`,
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#client[Symbol.dispose]();
    return Promise.resolve();
  }

  /** Publishes messages to one topic, in as many requests as they need. */
  async #publishAll(
    sendings: readonly Sending[],
    results: DeliveryResult[],
    signal: AbortSignal,
  ): Promise<void> {
    let failure: DeliveryError | undefined;
    for (const pack of packMessages(sendings)) {
      // What comes behind one that failed would overtake it.
      if (failure === undefined) failure = await this.#publish(pack, results, signal);
      else for (const { index } of pack) results[index] = failure;
    }
  }

  /**
   * Publishes messages. A request is taken as a whole or not at all: one that is refused for what is in it goes again in
   * halves.
   *
   * @returns why the last of them have to be tried again; `undefined` when all are settled
   */
  async #publish(
    sendings: readonly Sending[],
    results: DeliveryResult[],
    signal: AbortSignal,
  ): Promise<DeliveryError | undefined> {
    const result = await this.#tryPublish(sendings, signal);
    const isRejected = result !== "delivered" && result.code === "output_rejected";
    if (isRejected && sendings.length > 1) {
      const [first, second] = halves(sendings);
      const failure = await this.#publish(first, results, signal);
      if (failure === undefined) return await this.#publish(second, results, signal);
      for (const { index } of second) results[index] = failure;
      return failure;
    }
    for (const { index } of sendings) results[index] = result;
    return result === "delivered" || isRejected ? undefined : result;
  }

  async #tryPublish(sendings: readonly Sending[], signal: AbortSignal): Promise<DeliveryResult> {
    const { config } = sendings[0]!;
    const body = requestOf(sendings.map(({ message }) => message));
    try {
      const answer = await this.#ask(
        { ...topicOf(config), action: ":publish", method: "POST", body },
        signal,
      );
      const { messageIds } = parsed(answer) as { readonly messageIds?: unknown };
      // A page that some device on the way shows to everybody must not pass for a confirmation.
      if (Array.isArray(messageIds) && messageIds.length === sendings.length) return "delivered";
      const text = `${this.#client.name} does not answer as Pub/Sub does: look at endpoint`;
      return new DeliveryError("output_unavailable", text);
    } catch (error) {
      if (error instanceof DeliveryError) return error;
      throw error;
    }
  }

  /** The body of the answer to a request that succeeded. @throws {DeliveryError} otherwise */
  async #ask(request: TopicRequest, signal: AbortSignal): Promise<Uint8Array> {
    const answer = await this.#client.send(request, signal);
    if (answer.status === 200) return answer.body;
    const { error, isOfToken } = judgeRefusal(answer, this.#client.name, request.topic);
    if (isOfToken) this.#client.forgetToken();
    throw error;
  }
}

const LOOK = { action: "", method: "GET", body: NO_BODY } as const;

const TEST_RIGHTS = {
  action: ":testIamPermissions",
  method: "POST",
  body: Buffer.from(JSON.stringify({ permissions: [PERMISSION] })),
} as const;

function topicOf({ topic, projectId }: PubsubConfig): Pick<TopicRequest, "topic" | "projectId"> {
  return { topic, projectId };
}

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body)) ?? {};
  } catch {
    return {};
  }
}

function prepare(event: Event, config: PubsubConfig): Message | DeliveryError {
  try {
    return messageOf(event, config);
  } catch (error) {
    if (error instanceof DeliveryError) return error;
    throw error;
  }
}
