import { createHash } from "node:crypto";

/** The namespace of the UUIDs of events. It never changes: a repeat has to meet the row that is there. */
const NAMESPACE = Uint8Array.fromHex("5f1d8c8e7a0b4f579d5c3b0c6f3a9e21");

/**
 * A UUID made from an event's id, for tables whose key is one: the same for the same event, wherever and whenever it is
 * made.
 *
 * @see RFC 9562, section 5.5 (version 5)
 */
export function eventUuid(id: string): string {
  const bytes = createHash("sha1").update(NAMESPACE).update(id).digest().subarray(0, 16);
  bytes[6] = bytes[6]! & 0x0f | 0x50;
  bytes[8] = bytes[8]! & 0x3f | 0x80;
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
