/**
 * `http_webhook`: sends each event to an HTTP endpoint, with the body exactly as it was received.
 *
 * Every request carries `cwm-event-id`, `cwm-namespace`, `cwm-webhook` and `cwm-received-at`. An event may
 * arrive more than once; its id tells.
 *
 * @module
 */

import type { OutgoingHttpHeaders } from "node:http";
import { DeliveryError } from "../../errors.ts";
import type { Event } from "../../event/event.ts";
import { authorityOf } from "../../io/address.ts";
import { parseRetryAfter } from "../../io/retry_after.ts";
import {
  type Answer,
  type Destination,
  HttpWebhookClient,
  InterimAnswersError,
  RefusedAddressError,
} from "../../io/http_client.ts";
import { type HttpWebhookConfig, httpWebhookConfigSchema } from "./config.ts";
import { forwardedHeaders } from "../../event/header_policy.ts";
import type { Attempt, Delivery, DeliveryResult, DocumentedModule, Output } from "../module.ts";
import { setNamingHeaders } from "../../event/event_headers.ts";

/** Refusals that pass: the request came too late, too early or too often. */
const TEMPORARY_STATUSES: ReadonlySet<number> = new Set([408, 425, 429]);

/** Sends events to the destinations of all webhooks that use the module. */
class HttpWebhookOutput implements Output<HttpWebhookConfig> {
  readonly #client: HttpWebhookClient;

  constructor(client: HttpWebhookClient) {
    this.#client = client;
  }

  deliver(
    batch: readonly Delivery<HttpWebhookConfig>[],
    attempt: Attempt,
  ): Promise<readonly DeliveryResult[]> {
    const { signal } = attempt;
    return Promise.all(batch.map(({ event, config }) => this.#send(event, config, signal)));
  }

  /** There is nothing to ask: a destination belongs to a webhook, not to the output. */
  probe(): Promise<void> {
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#client[Symbol.dispose]();
    return Promise.resolve();
  }

  async #send(event: Event, config: HttpWebhookConfig, signal: AbortSignal): Promise<DeliveryResult> {
    const { destination, method } = config;
    const body = event.body.bytes;
    const headers = outgoingHeaders(event, config, body.byteLength);
    try {
      const answer = await this.#client.send(destination, method, headers, body, signal);
      return judgeAnswer(answer, destination);
    } catch (error) {
      return signal.aborted
        ? new DeliveryError(
          "output_timeout",
          `Destination ${nameOf(destination)} did not answer in time`,
        )
        : judgeFailure(error, destination);
    }
  }
}

function outgoingHeaders(
  event: Event,
  config: HttpWebhookConfig,
  contentLength: number,
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
  headers["content-length"] = contentLength;
  setNamingHeaders(headers, event);
  return headers;
}

/** How messages name a destination. Path and query stay out: many services put a secret there. */
function nameOf({ hostname, port }: Destination): string {
  return authorityOf(hostname, port);
}

/** What an answer means for the event. */
export function judgeAnswer({ status, headers }: Answer, destination: Destination): DeliveryResult {
  if (status >= 200 && status < 300) return "delivered";
  const message = `Destination ${nameOf(destination)} answered ${status}`;
  if (TEMPORARY_STATUSES.has(status) || status >= 500) {
    const retryAfterSeconds = parseRetryAfter(headers["retry-after"], Date.now());
    return new DeliveryError(
      "output_failed",
      message,
      retryAfterSeconds === undefined ? {} : { retryAfterSeconds },
    );
  }
  const target = headers.location === undefined
    ? undefined
    : URL.parse(headers.location, `${destination.protocol}//${nameOf(destination)}`);
  if (status < 300 || status >= 400 || !target) return new DeliveryError("output_rejected", message);
  const redirected = `${message}, a redirect to ${target.host}: redirects are not followed, change url`;
  return new DeliveryError("output_rejected", redirected);
}

/** What it means for the event that there was no answer. */
export function judgeFailure(error: unknown, destination: Destination): DeliveryError {
  const name = `Destination ${nameOf(destination)}`;
  const options = { cause: error };
  if (error instanceof RefusedAddressError) {
    return new DeliveryError(
      "output_rejected",
      `${name} is refused, ${error.message}: see allowed_hosts`,
      options,
    );
  }
  if (error instanceof InterimAnswersError) {
    return new DeliveryError("output_failed", `${name} sends interim (1xx) answers without end`, options);
  }
  const code = codeOf(error);
  // So begin the codes of the HTTP parser: something answered, but not in HTTP.
  if (code.startsWith("HPE_")) {
    return new DeliveryError("output_failed", `${name} did not answer in HTTP: ${code}`, options);
  }
  return new DeliveryError("output_unavailable", `${name} cannot be reached: ${code}`, options);
}

function codeOf(error: unknown): string {
  const { code, name } = error as { readonly code?: unknown; readonly name?: unknown };
  return String(code ?? name);
}

/** The module with another way to open its client. Tests give it one with a resolver of their own. */
export function httpWebhookModuleWith(
  openClient: () => HttpWebhookClient,
): DocumentedModule<HttpWebhookConfig, undefined> {
  return {
    name: "http_webhook",
    summary: "another HTTP service",
    documentation: () => import("./documentation.ts"),
    connectionTypes: [],
    configSchema: httpWebhookConfigSchema,
    acceptance: "durable",
    reads: "bytes",
    partition: (config) => nameOf(config.destination),
    destination: ({ destination }) => `${destination.protocol}//${nameOf(destination)}`,
    timeoutMs: (config) => config.timeoutMs,
    open: () => Promise.resolve(new HttpWebhookOutput(openClient())),
  };
}

/** Sends events to HTTP endpoints; see the top of this file. */
export const httpWebhookModule: DocumentedModule<HttpWebhookConfig, undefined> = httpWebhookModuleWith(
  () => new HttpWebhookClient(),
);
