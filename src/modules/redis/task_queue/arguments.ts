/**
 * The arguments of a task as JSON, which has to be JSON that the worker's Python reads and shows in its log: what it
 * cannot read it drops, after the gateway has counted it as delivered.
 *
 * @module
 */

import { DeliveryError } from "../../../errors.ts";
import type { Event } from "../../../event/event.ts";
import { eventHeadersJson } from "../../../event/event_headers.ts";
import { readableJson } from "../rq/readable_json.ts";
import type { TaskQueueConfig } from "./config.ts";

/** Payload and headers as a JSON list, the body's own text in it. JSON cannot hold bytes: a blob becomes Base64. */
export function argumentsJson(event: Event, { dataType, protocol }: TaskQueueConfig): string {
  const payload = dataType === "blob" ? `"${event.body.bytes.toBase64()}"` : readableJson(event);
  if (protocol === "celery") refuseOwnTypes(payload);
  return `[${payload},${eventHeadersJson(event)}]`;
}

/** The two keys of an object that Celery's library reads as a value of another type, however they are escaped. */
const OWN_KEYS = ["__type__", "__value__"];
const MAY_HAVE_OWN_TYPE = /"__type__"|\\u00[567]/i;

/**
 * Celery's library takes an object of exactly two keys for a value of another type, such as a date, and a message that
 * has one of a type that it does not know is dropped.
 *
 * @see https://github.com/celery/kombu/blob/main/kombu/utils/json.py
 */
function refuseOwnTypes(json: string): void {
  if (!MAY_HAVE_OWN_TYPE.test(json) || !hasOwnType(JSON.parse(json))) return;
  throw new DeliveryError(
    "output_rejected",
    `The body has an object of the keys ${OWN_KEYS.join(" and ")} alone, which Celery takes for another type`,
  );
}

function hasOwnType(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const keys = Object.keys(value);
  if (keys.length === OWN_KEYS.length && OWN_KEYS.every((key) => Object.hasOwn(value, key))) return true;
  return Object.values(value).some(hasOwnType);
}
