import { DeliveryError } from "../../../errors.ts";
import type { Event } from "../../../event/event.ts";
import { jsonText } from "../../../event/json_body.ts";
import { isReadByPython } from "./json_pickle.ts";

/**
 * The body's text, for workers that read it by Python's `json`. What they cannot read they drop, or put aside as failed,
 * after the gateway has counted it as delivered.
 *
 * @throws {DeliveryError} `output_rejected` when it is not JSON, or none that every worker reads
 */
export function readableJson({ body }: Event): string {
  const json = jsonText(body);
  if (isReadByPython(json)) return json;
  throw new DeliveryError(
    "output_rejected",
    "The body is nested too deeply for Python's JSON parser, or has an integer of more than 4300 digits",
  );
}
