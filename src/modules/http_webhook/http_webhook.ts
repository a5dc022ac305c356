/**
 * `http_webhook`: sends each event to an HTTP endpoint, with the body exactly as it was received.
 *
 * Every request carries `cwm-event-id`, `cwm-attempt`, `cwm-namespace`, `cwm-webhook` and `cwm-received-at`. An event
 * may arrive more than once, each time with the same id.
 *
 * @module
 */

import type { OutgoingHttpHeaders } from "node:http";
import { DeliveryError } from "../../errors.ts";
import type { Event } from "../../event/event.ts";
import type { RequestTraces } from "../../io/http/request_traces.ts";
import type { ProxySettings } from "../../io/http/proxy_rules.ts";
import { type Destination, HttpWebhookClient, type ReceivedAnswer } from "../../io/http_client.ts";
import { isFailureOf, judgeAnswer, originOf } from "./answers.ts";
import { type HttpWebhookConfig, httpWebhookConfigSchema, httpWebhookConfigSchemaWith } from "./config.ts";
import { outgoingHeaders } from "./outgoing_headers.ts";
import { LOGIN_HEADER } from "./login/login.ts";
import { TokenCache } from "./login/token_cache.ts";
import { answerForSender, KEPT_OF_ANSWER, prepareAnswer } from "./passed_answer.ts";
import { partitionOf } from "./partition.ts";
import { Reach } from "./reach.ts";
import { Failover } from "./targets/failover.ts";
import type { Attempt, Delivery, DeliveryResult, DocumentedModule } from "../module.ts";
import type { Output, TargetReading } from "../module.ts";

/** Sends events to the destinations of all webhooks that use the module. */
class HttpWebhookOutput implements Output<HttpWebhookConfig> {
  readonly #client: HttpWebhookClient;
  readonly #tokens: TokenCache;
  readonly #failover: Failover;
  readonly #reach: Reach;

  constructor(client: HttpWebhookClient, tokens: TokenCache, failover: Failover) {
    this.#client = client;
    this.#tokens = tokens;
    this.#failover = failover;
    this.#reach = new Reach(client);
  }

  deliver(
    batch: readonly Delivery<HttpWebhookConfig>[],
    attempt: Attempt,
  ): Promise<readonly DeliveryResult[]> {
    return Promise.all(batch.map(({ event, config }) => {
      const { destination, targets, ordered } = config;
      if (targets === undefined) return this.#send(event, config, attempt, destination);
      return this.#failover.deliver(event, { targets, ordered }, attempt.signal, (target, onDown) => {
        return this.#send(event, config, attempt, target, onDown);
      });
    }));
  }

  probe(signal: AbortSignal): Promise<void> {
    return this.#reach.probe(signal);
  }

  probeFor({ destination, targets = [destination] }: HttpWebhookConfig, signal: AbortSignal): Promise<void> {
    return this.#reach.tryOut(targets, signal);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#client[Symbol.dispose]();
    this.#failover[Symbol.dispose]();
    return Promise.resolve();
  }

  targets(): readonly TargetReading[] {
    return this.#failover.readings();
  }

  /** @param onDown called when it is the destination that has failed, and not the event */
  async #send(
    event: Event,
    config: HttpWebhookConfig,
    { signal, number }: Attempt,
    destination: Destination,
    onDown?: () => void,
  ): Promise<DeliveryResult> {
    const body = event.body.bytes;
    const headers = outgoingHeaders(event, config, number, body);
    const slot = config.answers ? event.answer : undefined;
    if (slot !== undefined) prepareAnswer(slot, headers);
    try {
      const answer = await this.#answerTo(destination, config, headers, body, signal, slot && KEPT_OF_ANSWER);
      this.#reach.answered();
      if (answer.isSent) event.body.doneReading();
      const result = judgeAnswer(answer, destination, config.statusRules);
      if (slot !== undefined) slot.answer = answerForSender(answer, destination);
      if (onDown !== undefined && isFailureOf(answer, result)) onDown();
      return result;
    } catch (error) {
      if (error instanceof DeliveryError && error !== signal.reason) return error;
      onDown?.();
      return this.#reach.judge(error, destination, signal.aborted, onDown === undefined);
    }
  }

  #answerTo(
    destination: Destination,
    { method, tokens }: HttpWebhookConfig,
    headers: OutgoingHttpHeaders,
    body: Uint8Array,
    signal: AbortSignal,
    maxKept: number | undefined,
  ): Promise<ReceivedAnswer> {
    if (tokens === undefined) return this.#client.send(destination, method, headers, body, signal, maxKept);
    return this.#tokens.send(tokens, this.#client, signal, (authorization) => {
      headers[LOGIN_HEADER] = authorization;
      return this.#client.send(destination, method, headers, body, signal, maxKept);
    });
  }
}

/**
 * The module for one way out.
 *
 * @param openClient tests give it a client with a resolver of their own
 * @param proxies of the environment. @default none
 */
export function httpWebhookModuleWith(
  openClient: (traces?: RequestTraces) => HttpWebhookClient = (traces) => new HttpWebhookClient({ traces }),
  proxies?: ProxySettings,
): DocumentedModule<HttpWebhookConfig, undefined> {
  const tokens = new TokenCache();
  return {
    name: "http_webhook",
    summary: "another HTTP service",
    documentation: () => import("./documentation.ts"),
    connectionTypes: [],
    configSchema: proxies === undefined ? httpWebhookConfigSchema : httpWebhookConfigSchemaWith(proxies),
    destinations: ({ asked }) => asked,
    acceptance: "durable",
    reads: "bytes",
    partition: partitionOf,
    hasCheapProbe: true,
    destination: ({ destination, targets = [destination] }) => targets.map(originOf).join(", "),
    ordered: ({ ordered }) => ordered,
    givesAnswers: true,
    forWebhook: (config, { answers }) => answers ? { ...config, answers } : config,
    timeoutMs: ({ timeoutMs }) => timeoutMs,
    open: (_, context) =>
      Promise.resolve(new HttpWebhookOutput(openClient(context.traces), tokens, new Failover(context))),
  };
}

/** Sends events to HTTP endpoints. */
export const httpWebhookModule: DocumentedModule<HttpWebhookConfig, undefined> = httpWebhookModuleWith();
