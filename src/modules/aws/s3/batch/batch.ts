/**
 * A batch: events that share an object. Its key is made from the ids of all of them, so that the same events have the
 * same key, and others another one.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { hash } from "node:crypto";
import type { Delivery } from "../../../module.ts";
import type { S3Config } from "../config.ts";
import { batchKey } from "../key.ts";
import { batchObject, type StoredObject } from "../object.ts";

/** Hexadecimal digits of a batch's id: 128 bits. */
const ID_DIGITS = 32;

/** A delivery that is to be a line of an object. */
export interface Member {
  readonly delivery: Delivery<S3Config>;
  /** The delivery's own, over all attempts. */
  readonly name: string;
  readonly line: Buffer;
  /** What the keys of objects that it may be in have in common. */
  readonly common: string;
}

/** What a delivery is known by, over all its attempts. */
export function nameOfMember({ event, config }: Delivery<S3Config>): string {
  return `${event.id} ${config.identity}`;
}

/**
 * The object of some events.
 *
 * @param members one or more with the same `common`
 * @throws {DeliveryError} `output_rejected` when the key cannot be one
 */
export async function objectOfMembers(members: readonly Member[]): Promise<StoredObject> {
  const { delivery: { config }, common } = members[0]!;
  const events = members.map(({ delivery }) => delivery.event);
  const first = events.reduce((one, other) => other.receivedAt < one.receivedAt ? other : one);
  const ids = events.map(({ id }) => id).toSorted();
  const id = hash("sha256", ids.join("\n"), "hex").slice(0, ID_DIGITS);
  const lines = Buffer.concat(members.map(({ line }) => line));
  return await batchObject(batchKey(common, id, first), lines, config);
}
