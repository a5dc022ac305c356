/**
 * What requests to channels have in common: a token in `Authorization`, and a small text as their body.
 *
 * @module
 */

import { GatewayError } from "../../errors.ts";
import type { Holding } from "../../time/fair_share.ts";
import { within } from "../../time/within.ts";
import type { InFlight } from "../in_flight.ts";
import { declaredLength, readBody, requireDeclared, streamedBody, toReadError } from "../webhook/body.ts";

/** The bounds that these requests share with webhooks while their bodies are read. */
export interface MessageBounds {
  readonly inFlight: InFlight;
  /** For the whole body to arrive, in milliseconds. */
  readonly bodyTimeoutMs: number;
}

/** The token of `Authorization: Bearer …`; empty when there is none. */
export function bearerToken(request: Request): string {
  return /^Bearer +(\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1] ?? "";
}

/**
 * Does work that counts as a request under way.
 *
 * @param holding what all requests of the kind hold of the bounds: they have a share as a webhook has
 * @throws {GatewayError} `overloaded`; whatever the work throws
 */
export async function underWay<Result>(
  inFlight: InFlight,
  holding: Holding,
  work: () => Promise<Result>,
): Promise<Result> {
  inFlight.enter();
  try {
    inFlight.hold(holding);
    try {
      return await work();
    } finally {
      inFlight.letGo(holding);
    }
  } finally {
    inFlight.leave();
  }
}

/**
 * The body of a request that is {@linkcode underWay}, as text.
 *
 * @throws {GatewayError} why the body could not be read, `overloaded`; `invalid_message` when it is not UTF-8
 */
export async function readMessage(
  request: Request,
  bounds: MessageBounds,
  holding: Holding,
  maxBytes: number,
): Promise<string> {
  const body = await readInTime(request, bounds, holding, maxBytes);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch (cause) {
    throw new GatewayError("invalid_message", "The body is not UTF-8", { cause });
  }
}

/** The body, if it arrives in time. What it may take is reserved until it is read, or its memory was let go. */
async function readInTime(
  request: Request,
  { inFlight, bodyTimeoutMs }: MessageBounds,
  holding: Holding,
  maxBytes: number,
): Promise<Uint8Array> {
  const length = declaredLength(request, maxBytes);
  const reserved = length ?? maxBytes;
  inFlight.reserve(reserved, holding);
  const stream = streamedBody(request, length, maxBytes);
  const reading = readBody(request, stream).finally(() => inFlight.release(reserved, holding));
  try {
    if (!await within(bodyTimeoutMs, reading)) {
      stream?.cancel();
      throw new GatewayError("body_timeout");
    }
    const body = await reading;
    requireDeclared(body, length);
    return body;
  } catch (error) {
    throw toReadError(error);
  }
}
