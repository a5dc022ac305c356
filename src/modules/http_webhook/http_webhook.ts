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
import { type Answer, HttpWebhookClient } from "../../io/http_client.ts";
import { judgeAnswer, judgeFailure, nameOf } from "./answers.ts";
import { type HttpWebhookConfig, httpWebhookConfigSchema } from "./config.ts";
import { LOGIN_HEADER } from "./login/login.ts";
import { TokenCache } from "./login/token_cache.ts";
import { forwardedHeaders } from "../../event/header_policy.ts";
import type { Attempt, Delivery, DeliveryResult, DocumentedModule, Output } from "../module.ts";
import { setNamingHeaders } from "../../event/event_headers.ts";

/** Sends events to the destinations of all webhooks that use the module. */
class HttpWebhookOutput implements Output<HttpWebhookConfig> {
  readonly #client: HttpWebhookClient;
  readonly #tokens: TokenCache;

  constructor(client: HttpWebhookClient, tokens: TokenCache) {
    this.#client = client;
    this.#tokens = tokens;
  }

  deliver(
    batch: readonly Delivery<HttpWebhookConfig>[],
    attempt: Attempt,
  ): Promise<readonly DeliveryResult[]> {
    return Promise.all(batch.map(({ event, config }) => this.#send(event, config, attempt)));
  }

  /** There is nothing to ask: a destination belongs to a webhook, not to the output. */
  probe(): Promise<void> {
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#client[Symbol.dispose]();
    return Promise.resolve();
  }

  async #send(
    event: Event,
    config: HttpWebhookConfig,
    { signal, number }: Attempt,
  ): Promise<DeliveryResult> {
    const { destination } = config;
    const body = event.body.bytes;
    const headers = outgoingHeaders(event, config, number, body);
    try {
      const answer = await this.#answerTo(config, headers, body, signal);
      return judgeAnswer(answer, destination, config.statusRules);
    } catch (error) {
      if (error instanceof DeliveryError && error !== signal.reason) return error;
      return signal.aborted
        ? new DeliveryError(
          "output_timeout",
          `Destination ${nameOf(destination)} did not answer in time`,
        )
        : judgeFailure(error, destination);
    }
  }

  #answerTo(
    { destination, method, tokens }: HttpWebhookConfig,
    headers: OutgoingHttpHeaders,
    body: Uint8Array,
    signal: AbortSignal,
  ): Promise<Answer> {
    if (tokens === undefined) return this.#client.send(destination, method, headers, body, signal);
    return this.#tokens.send(tokens, this.#client, signal, (authorization) => {
      headers[LOGIN_HEADER] = authorization;
      return this.#client.send(destination, method, headers, body, signal);
    });
  }
}

function outgoingHeaders(
  event: Event,
  config: HttpWebhookConfig,
  attempt: number,
  body: Uint8Array<ArrayBuffer>,
): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = { "user-agent": "core-webhook-module" };
  const contentType = event.headers.get("content-type");
  if (contentType !== null) headers["content-type"] = contentType;
  const { forwarded, headerForms } = config;
  if (forwarded === "all" || forwarded.length > 0) {
    const allowed = forwarded === "all" ? undefined : forwarded;
    for (const [name, value] of forwardedHeaders(event.headers, allowed, headerForms)) headers[name] = value;
  }
  for (const [name, value] of config.headers) headers[name] = value;
  headers["content-length"] = body.byteLength;
  setNamingHeaders(headers, event);
  headers["cwm-attempt"] = String(attempt);
  config.signer?.sign(headers, event.id, body);
  return headers;
}

/** Where a server of tokens is down, only those wait that need one of it. */
function partitionOf({ destination, tokens }: HttpWebhookConfig): string {
  return tokens === undefined ? nameOf(destination) : `${nameOf(destination)} ${tokens.key}`;
}

/** The module with another way to open its client. Tests give it one with a resolver of their own. */
export function httpWebhookModuleWith(
  openClient: () => HttpWebhookClient,
): DocumentedModule<HttpWebhookConfig, undefined> {
  const tokens = new TokenCache();
  return {
    name: "http_webhook",
    summary: "another HTTP service",
    documentation: () => import("./documentation.ts"),
    connectionTypes: [],
    configSchema: httpWebhookConfigSchema,
    acceptance: "durable",
    reads: "bytes",
    partition: partitionOf,
    destination: ({ destination }) => `${destination.protocol}//${nameOf(destination)}`,
    timeoutMs: (config) => config.timeoutMs,
    open: () => Promise.resolve(new HttpWebhookOutput(openClient(), tokens)),
  };
}

/** Sends events to HTTP endpoints. */
export const httpWebhookModule: DocumentedModule<HttpWebhookConfig, undefined> = httpWebhookModuleWith(
  () => new HttpWebhookClient(),
);
