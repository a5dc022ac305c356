/**
 * Attributes of messages, as far as Pub/Sub takes them.
 *
 * @see https://cloud.google.com/pubsub/quotas#resource_limits
 * @module
 */

import { Buffer } from "node:buffer";

/** What attributes of a message may be. */
export const ATTRIBUTE_LIMITS = { count: 100, nameBytes: 256, valueBytes: 1024 } as const;

/** Names that Pub/Sub keeps for itself begin so. */
const RESERVED = "goog";

/** Why a message cannot have an attribute; `undefined` when it can. */
export function refuseAttribute(name: string, value: string): string | undefined {
  if (name === "") return "A name must not be empty";
  if (name.startsWith(RESERVED)) return `Names that begin with ${RESERVED} are Google's own`;
  if (Buffer.byteLength(name) > ATTRIBUTE_LIMITS.nameBytes) {
    return `The name is longer than ${ATTRIBUTE_LIMITS.nameBytes} bytes`;
  }
  return Buffer.byteLength(value) > ATTRIBUTE_LIMITS.valueBytes
    ? `The value is longer than ${ATTRIBUTE_LIMITS.valueBytes} bytes`
    : undefined;
}
