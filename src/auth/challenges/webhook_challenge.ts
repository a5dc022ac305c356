/**
 * The key `challenge` of a webhook: questions of senders that sign nothing, so that no method of authentication knows
 * them. What else the webhook asks of its requests holds for questions, too.
 *
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/http-webhook.md#4-abuse-protection
 * @see https://learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema
 * @module
 */

import { z } from "zod";
import { integerField } from "../../schema/fields.ts";
import type { Refusal } from "../refusal.ts";
import type { BodyCheck, BodyVerifier, Finding, RequestToVerify } from "../verifier.ts";
import { jsonAnswer, noChallenge, NOT_REPEATED } from "./answers.ts";
import { Challenge, type ProviderAnswer } from "./challenge.ts";

/** A DNS name, or `*` for all. */
const ORIGIN = /^(?:\*|[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)$/;

/** Who Event Grid says it is. */
const EVENT_GRID_ORIGIN = "eventgrid.azure.net";

/** Largest validation event, in bytes. */
const MAX_BYTES = 16 * 1024;

/** Longest code that is repeated, in characters. */
const MAX_CODE = 1024;

/** `challenge` of a webhook. */
export const challengeSchema = z.union([
  z.literal("event-grid").transform(() => ({
    eventGrid: true,
    origins: [EVENT_GRID_ORIGIN],
    rate: undefined,
  })),
  z.strictObject({
    cloudevents: z.strictObject({
      origins: z.array(z.string().regex(ORIGIN, "Must be a DNS name, or *")).min(1).max(100),
      rate: integerField(1, 1_000_000).optional(),
    }),
  }).transform(({ cloudevents: { origins, rate } }) => ({
    eventGrid: false,
    origins: origins.map((origin) => origin.toLowerCase()),
    rate,
  })),
], { error: 'Must be "event-grid", or {"cloudevents": {"origins": [...]}}' });

type ChallengeConfig = z.output<typeof challengeSchema>;

/** Lets every request pass that is no question, and answers those that are. */
export class WebhookChallenge implements BodyVerifier {
  readonly reads = "body";
  readonly #config: ChallengeConfig;
  readonly #methods: readonly string[];

  /** @param methods that the webhook takes events by */
  constructor(config: ChallengeConfig, methods: readonly string[]) {
    this.#config = config;
    this.#methods = methods;
  }

  isChallenge({ method, headers }: RequestToVerify): boolean {
    return method === "OPTIONS" && headers.has("webhook-request-origin");
  }

  verify(request: RequestToVerify): Challenge | BodyCheck {
    if (this.isChallenge(request)) return new Challenge(() => this.#permit(request.headers));
    return this.#config.eventGrid && request.headers.get("aeg-event-type") === "SubscriptionValidation"
      ? validation
      : nothing;
  }

  /** Permits deliveries (CloudEvents webhooks 1.0.2, section 4.2). */
  #permit(headers: Headers): ProviderAnswer | Refusal {
    const { origins, rate } = this.#config;
    const origin = headers.get("webhook-request-origin") ?? "";
    if (!ORIGIN.test(origin) || origin === "*") {
      return noChallenge("WebHook-Request-Origin is not a DNS name");
    }
    if (!origins.includes("*") && !origins.includes(origin.toLowerCase())) return NOT_PERMITTED;
    return {
      status: 200,
      body: null,
      headers: {
        "allow": this.#methods.join(", "),
        "webhook-allowed-origin": origin,
        "webhook-allowed-rate": allowedRate(headers.get("webhook-request-rate"), rate),
      },
    };
  }
}

/** In requests a minute; `*` for any. */
function allowedRate(requested: string | null, rate: number | undefined): string {
  if (rate === undefined) return requested !== null && /^[1-9]\d{0,8}$/.test(requested) ? requested : "*";
  return String(Math.min(rate, /^[1-9]\d{0,8}$/.test(requested ?? "") ? Number(requested) : rate));
}

/** Event Grid wants the code of its validation event back. */
function validation(body: Uint8Array<ArrayBuffer>): Finding {
  const code = validationCodeIn(body);
  if (typeof code !== "string" || code === "" || code.length > MAX_CODE || NOT_REPEATED.test(code)) {
    return noChallenge("The validation event holds no code that could be repeated");
  }
  return new Challenge(() => jsonAnswer({ validationResponse: code }));
}

function validationCodeIn(body: Uint8Array<ArrayBuffer>): unknown {
  if (body.length > MAX_BYTES) return undefined;
  try {
    const events: unknown = JSON.parse(new TextDecoder().decode(body));
    if (!Array.isArray(events) || events.length !== 1) return undefined;
    const { eventType, data } = (events[0] ?? {}) as Readonly<Record<string, unknown>>;
    if (eventType !== "Microsoft.EventGrid.SubscriptionValidationEvent") return undefined;
    return (data as Readonly<Record<string, unknown>> | null)?.["validationCode"];
  } catch {
    // Not JSON.
    return undefined;
  }
}

function nothing(): undefined {
  return undefined;
}

const NOT_PERMITTED: Refusal = {
  code: "forbidden",
  reason: "WebHook-Request-Origin is not among 'challenge.cloudevents.origins' of the webhook",
};
