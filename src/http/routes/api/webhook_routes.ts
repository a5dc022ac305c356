/**
 * Webhooks, as programs see them: what one asks for stands in its configuration, and not here.
 *
 * @module
 */

import { z } from "zod";
import { ERROR_CATALOGUE, type ErrorCode } from "../../../errors.ts";
import { json, named, type Operation } from "./operation.ts";

/** Codes that no request to a webhook meets. */
const OF_OTHERS: readonly ErrorCode[] = [
  "invalid_query",
  "channel_not_found",
  "unsupported_protocol",
  "upgrade_required",
  "too_many_connections",
  "connection_not_found",
  "invalid_message",
  "invalid_handle",
];

const errors = (Object.keys(ERROR_CATALOGUE) as ErrorCode[]).filter((code) => !OF_OTHERS.includes(code));

const accepted = named(
  "Accepted",
  z.object({
    message: z.enum(["Event accepted", "Event filtered"]),
    event_id: z.string().meta({ description: "Names the event in the log, in outputs and in admin routes." }),
  }),
);

/** The two paths of a webhook, and what operations of the second are called. */
const PATHS = [["/webhook/{namespace}/{webhook_id}", ""], [
  "/webhook/{webhook_id}",
  "InDefaultNamespace",
]] as const;

const SENDING = [["POST", "sendEvent"], ["PUT", "putEvent"], ["PATCH", "patchEvent"]] as const;
const ASKING = [["GET", "askWebhook"], ["OPTIONS", "probeWebhook"]] as const;

/** `/webhook/…` */
export const webhookOperations: readonly Operation[] = PATHS.flatMap(([path, suffix]) => [
  ...SENDING.map(([method, id]): Operation => ({
    method,
    path,
    id: `${id}${suffix}`,
    summary: method === "POST" ? "Send an event" : `Send an event by ${method}, where the webhook takes it`,
    security: "webhook",
    body: {
      description: "The event: JSON, unless the webhook's `data_type` says otherwise.",
      type: "*/*",
    },
    answers: {
      200: json(
        "The event was accepted. A webhook may have a status, a type and a body of its own: see `response`.",
        accepted,
      ),
    },
    errors,
  })),
  ...ASKING.map(([method, id]): Operation => ({
    method,
    path,
    id: `${id}${suffix}`,
    summary: method === "GET"
      ? "What providers ask before they send, where the webhook answers it"
      : "What browsers and providers ask before they send, where the webhook answers it",
    security: "none",
    answers: {
      200: { description: "The answer that the provider expects.", type: "*/*" },
      ...(method === "OPTIONS" ? { 204: { description: "Pages of this origin may send." } } : {}),
    },
    errors,
  })),
]);
