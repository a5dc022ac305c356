/**
 * Handles of leases: they say which lease is meant, and only who has a token of the channel can make one. Nothing is
 * kept of them, so that every gateway knows those of the others, and of its own before a restart.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { TimedLease } from "../../channels/channel_queues.ts";
import { GatewayError } from "../../errors.ts";
import type { Channel } from "../channel_directory.ts";

/** Sets the codes apart from everything else that a token may sign one day. */
const PURPOSE = "cwm pull lease 1";

/** What is coded, a dot, and its code by HMAC-SHA256. */
const HANDLE = /^([\w-]{1,1000})\.([\w-]{43})$/;

/** `{delivery}.{tag}` */
const LEASE = /^([1-9]\d{0,15})\.(.+)$/s;

/** @param token that the consumer has presented */
export function leaseHandle(channel: Channel, { tag, delivery }: TimedLease, token: string): string {
  const lease = Buffer.from(`${delivery}.${tag}`).toString("base64url");
  return `${lease}.${channel.sign(signedText(channel, lease), token)}`;
}

/**
 * The lease that a handle of the channel names.
 *
 * @throws {GatewayError} `invalid_handle` when no token that is valid now has made it for this channel
 */
export function parseLeaseHandle(channel: Channel, handle: string): TimedLease {
  const [, lease = "", code = ""] = HANDLE.exec(handle) ?? [];
  if (!channel.hasSigned(signedText(channel, lease), code)) throw new GatewayError("invalid_handle");
  const [, delivery, tag] = LEASE.exec(Buffer.from(lease, "base64url").toString()) ?? [];
  if (tag === undefined) throw new GatewayError("invalid_handle");
  return { tag, delivery: Number(delivery) };
}

/** Names of channels have no line breaks. */
function signedText({ name }: Channel, lease: string): string {
  return `${PURPOSE}\n${name}\n${lease}`;
}
