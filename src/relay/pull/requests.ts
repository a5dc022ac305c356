/**
 * What pulling consumers may ask for.
 *
 * @module
 */

import { z } from "zod";
import { parseMessage } from "../protocol/schema.ts";

/** The longest wait of a poll, and the longest lease and pause, in seconds. */
const MAX_WAIT = 30;
const MAX_LEASE = 3_600;

/** Events in one answer, and handles in one request. */
const MAX_EVENTS = 100;
const MAX_HANDLES = 1_000;

/** Why an event is rejected, in characters; what is longer is cut. */
const MAX_REASON = 1_000;

const leaseSeconds = z.number().min(0.1).max(MAX_LEASE);
const handles = z.array(z.string()).min(1).max(MAX_HANDLES);

// Strict: a name that is misspelt would be a setting without effect.
const receive = z.strictObject({
  n: z.int().min(1).max(MAX_EVENTS).default(1),
  wait: z.number().min(0).max(MAX_WAIT).default(0),
  lease: leaseSeconds.optional(),
});
const acknowledge = z.strictObject({ handles });
const release = z.strictObject({ handles, delay: z.number().min(0).max(MAX_LEASE).default(0) });
const extend = z.strictObject({ handles, lease: leaseSeconds.optional() });
const reject = z.strictObject({
  handles,
  reason: z.string().transform((text) => text.slice(0, MAX_REASON)).optional(),
});

/** What each request may say, by its action. */
export const pullRequests = { receive, ack: acknowledge, release, extend, reject } as const;

/** The body of `receive`; an empty one leaves everything out. */
export type ReceiveRequest = z.output<typeof receive>;

/** @throws {GatewayError} `invalid_message`, `json_too_complex` */
export function parseReceive(text: string): ReceiveRequest {
  return parseMessage(receive, text === "" ? "{}" : text) as ReceiveRequest;
}

/** The body of `ack`. @throws {GatewayError} `invalid_message`, `json_too_complex` */
export function parseAcknowledge(text: string): z.output<typeof acknowledge> {
  return parseMessage(acknowledge, text);
}

/** The body of `release`. @throws {GatewayError} `invalid_message`, `json_too_complex` */
export function parseRelease(text: string): z.output<typeof release> {
  return parseMessage(release, text);
}

/** The body of `extend`. @throws {GatewayError} `invalid_message`, `json_too_complex` */
export function parseExtend(text: string): z.output<typeof extend> {
  return parseMessage(extend, text);
}

/** The body of `reject`. @throws {GatewayError} `invalid_message`, `json_too_complex` */
export function parseReject(text: string): z.output<typeof reject> {
  return parseMessage(reject, text);
}
