/**
 * Delivers events to HTTP targets: the body and the headers as the gateway received them, so that a target
 * can verify the provider's signature, and `cwm-` headers that name the event.
 *
 * @module
 */

import type { OutgoingHttpHeaders } from "node:http";
import type { VerifiedEvent } from "../../event/verified_event.ts";
import { DeliveryError, InvariantError } from "../../errors.ts";
import { parseHttpAddress } from "../../schema/addresses.ts";
import { ANY_DESTINATION, comparableHost } from "../../io/destination_policy.ts";
import { judgeAnswer, judgeFailure } from "../../modules/http_webhook/answers.ts";
import { backoffBoundMs } from "../../time/backoff.ts";
import { type Destination, HttpWebhookClient } from "../../io/http_client.ts";
import { formOf, relayedHeaders } from "../../event/header_policy.ts";
import type { DeliveryResult } from "../../modules/module.ts";
import type { TargetConfig } from "../config_schema.ts";
import type { Deliverer, RelayedDelivery } from "./deliverer.ts";
import { pause } from "../../time/abortable.ts";
import { Deadlines, Timer } from "../../time/deadlines.ts";
import { setNamingHeaders } from "../../event/event_headers.ts";

/** The longest pause between two attempts but for the first one, in milliseconds. */
const MAX_PAUSE_MS = 60_000;

/** The names of the Python original that a target gets besides those that begin with `cwm-`. */
const ORIGINAL_HEADERS = ["x-webhook-message-id", "x-webhook-id", "x-webhook-attempt"];

interface Target {
  readonly destination: Destination;
  /** The forms of the names of all headers of our own, which no received header may be taken for. */
  readonly headerForms: ReadonlySet<string>;
  readonly config: TargetConfig;
}

/** Sends each event to the HTTP target of its webhook. */
export class HttpDeliverer implements Deliverer {
  readonly #client: HttpWebhookClient;
  readonly #deadlines = new Deadlines();
  readonly #targets: ReadonlyMap<string, Target>;
  readonly #default: Target | undefined;

  /** @param ca certificate authorities in PEM besides those that the runtime trusts */
  constructor(
    targets: ReadonlyMap<string, TargetConfig>,
    defaultTarget: TargetConfig | undefined,
    ca: string | undefined,
  ) {
    this.#client = new HttpWebhookClient(ca === undefined ? {} : { ca });
    this.#targets = new Map([...targets].map(([name, config]) => [name, compile(config)]));
    this.#default = defaultTarget === undefined ? undefined : compile(defaultTarget);
  }

  async deliver(
    event: VerifiedEvent,
    relayed: RelayedDelivery,
    signal: AbortSignal,
  ): Promise<DeliveryResult> {
    const target = this.#targets.get(`${event.namespace}/${event.webhook}`) ??
      this.#targets.get(event.webhook) ??
      this.#default;
    if (target === undefined) {
      return new DeliveryError("output_rejected", `The connector has no target for webhook ${event.webhook}`);
    }
    const { retry_enabled: retries, retry_max_attempts: most } = target.config;
    for (let attempt = 1;; attempt++) {
      const result = await this.#attempt(target, event, relayed, attempt, signal);
      if (result === "delivered" || result.disposition === "dead_letter") return result;
      if (!retries || attempt >= most || signal.aborted) return result;
      const pauseMs = pauseAfter(attempt, target.config);
      // What the target asks for is left to the channel, which can wait for longer.
      if (result.retryAfterSeconds !== undefined && result.retryAfterSeconds * 1000 > pauseMs) return result;
      await pause(pauseMs, signal); // The next attempt sees the abortion.
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#client[Symbol.dispose]();
    this.#deadlines[Symbol.dispose]();
    return Promise.resolve();
  }

  async #attempt(
    target: Target,
    event: VerifiedEvent,
    relayed: RelayedDelivery,
    attempt: number,
    signal: AbortSignal,
  ): Promise<DeliveryResult> {
    const { destination, config } = target;
    const breaking = new AbortController();
    let isLate = false;
    const deadline = new Timer(() => {
      isLate = true;
      breaking.abort();
    });
    // A signal made of several costs more than the rest of this.
    const stop = () => breaking.abort();
    signal.addEventListener("abort", stop);
    if (signal.aborted) stop();
    this.#deadlines.set(config.timeout_seconds * 1000, deadline);
    const body = event.body.bytes;
    const headers = headersOf(event, target, relayed, attempt, body.byteLength);
    try {
      const answer = await this.#client.send(destination, config.method, headers, body, breaking.signal);
      return judgeAnswer(answer, destination);
    } catch (error) {
      if (isLate) {
        const seconds = config.timeout_seconds;
        return new DeliveryError("output_timeout", `The target did not answer within ${seconds} seconds`);
      }
      return signal.aborted
        ? new DeliveryError("output_unavailable", "The connector stopped before the target answered")
        : judgeFailure(error, destination);
    } finally {
      this.#deadlines.clear(deadline);
      signal.removeEventListener("abort", stop);
    }
  }
}

/** How long to wait after an attempt that failed, in milliseconds. */
function pauseAfter(attempt: number, config: TargetConfig): number {
  const { retry_delay_seconds: seconds, retry_backoff_multiplier: multiplier } = config;
  const initialMs = seconds * 1000;
  const maxMs = attempt === 1 ? initialMs : MAX_PAUSE_MS;
  return backoffBoundMs({ initialMs, maxMs, multiplier }, attempt);
}

function compile(config: TargetConfig): Target {
  const address = parseHttpAddress(config.url);
  if (typeof address === "string") throw new InvariantError(`A target's address was not checked: ${address}`);
  return {
    config,
    headerForms: new Set([...ORIGINAL_HEADERS, ...Object.keys(config.headers)].map(formOf)),
    destination: { ...address, hostname: comparableHost(address.hostname), policy: ANY_DESTINATION },
  };
}

function headersOf(
  event: VerifiedEvent,
  { config, headerForms }: Target,
  { messageId, delivery }: RelayedDelivery,
  attempt: number,
  contentLength: number,
): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = Object.fromEntries(
    relayedHeaders(event.headers, headerForms),
  );
  for (const [name, value] of Object.entries(config.headers)) headers[name.toLowerCase()] = value;
  headers["content-length"] = contentLength;
  setNamingHeaders(headers, event);
  headers["cwm-delivery"] = String(delivery);
  headers["x-webhook-message-id"] = messageId;
  headers["x-webhook-id"] = event.webhook;
  headers["x-webhook-attempt"] = String(attempt);
  return headers;
}
