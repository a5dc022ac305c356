import { DeliveryError } from "../errors.ts";
import type { EventBody } from "./event.ts";

/**
 * The body's JSON text as it was received, to be put into other JSON: numbers keep all their digits and
 * objects the order of their keys.
 *
 * @throws {DeliveryError} when the body is not JSON, as when a webhook has been changed from `blob` to `json`
 *   since the event was accepted
 */
export function jsonText(body: EventBody): string {
  if (!body.isJson()) throw new DeliveryError("output_rejected", "The body is not valid JSON");
  return body.text;
}
