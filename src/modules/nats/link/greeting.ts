/**
 * The beginning of a connection, before the client library has it: the server's first line, and TLS.
 *
 * @module
 */

import { z } from "zod";
import { DeliveryError } from "../../../errors.ts";
import type { TlsOptions } from "../../../io/tls.ts";
import { notNats, type ServerSocket } from "./socket.ts";

/** What a server says of itself, as far as it matters here. */
const infoSchema = z.object({
  headers: z.boolean().default(false),
  tls_required: z.boolean().default(false),
  tls_available: z.boolean().default(false),
});

const INFO = /^INFO\s+(\{[^\r\n]*\})\s*\r\n/i;

const decoder = new TextDecoder();

/**
 * Takes the server's first line, and goes on with TLS if that is configured.
 *
 * @param server begins sentences about it
 * @returns what has arrived, for the library to read
 * @throws {DeliveryError} when the two do not fit
 */
export async function greet(
  socket: ServerSocket,
  tls: TlsOptions | undefined,
  server: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const first = await socket.firstBytes();
  const { success, data } = infoSchema.safeParse(infoIn(first));
  if (!success) throw notNats(server);
  if (!data.headers) throw unavailable(`${server} takes no headers, which the gateway needs`);
  if (tls === undefined) {
    if (data.tls_required) throw unavailable(`${server} asks for TLS: set tls of the connection`);
    return first;
  }
  if (!data.tls_required && !data.tls_available) throw unavailable(`${server} does not offer TLS`);
  await socket.startTls(tls);
  return first;
}

function infoIn(bytes: Uint8Array): unknown {
  const [, json = ""] = INFO.exec(decoder.decode(bytes)) ?? [];
  try {
    return JSON.parse(json);
  } catch {
    return undefined; // Another protocol's.
  }
}

function unavailable(message: string): DeliveryError {
  return new DeliveryError("output_unavailable", message);
}
