/**
 * Endpoints: where a peer is, or where the gateway waits for peers.
 *
 * @module
 */

import { parseServer } from "../../schema/addresses.ts";

/** Where a socket is. */
export type Endpoint =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  /** A socket of this machine, by its file. */
  | { readonly kind: "ipc"; readonly path: string };

/** Longest endpoint, in characters. */
const MAX_ENDPOINT = 512;

/** Longest path of a socket, in bytes: Linux has no place for more. */
const MAX_PATH = 107;

/** All addresses of this machine, for a socket that waits there. */
const ANY_ADDRESS = "*";

/** Reads an endpoint. @param binds whether peers come to it. @returns one sentence about what is wrong otherwise */
export function parseEndpoint(text: string, binds: boolean): Endpoint | { readonly problem: string } {
  if (text.length > MAX_ENDPOINT) {
    return { problem: `The endpoint is longer than ${MAX_ENDPOINT} characters` };
  }
  if (text.startsWith("inproc://")) {
    return { problem: "inproc is within one program, where nobody else listens: use tcp or ipc" };
  }
  if (text.startsWith("ipc://")) return parsePath(text.slice("ipc://".length));
  if (!text.startsWith("tcp://")) {
    return { problem: "Not an endpoint such as tcp://host:5555 or ipc:///path" };
  }
  const address = text.slice("tcp://".length);
  const isAny = address.startsWith(`${ANY_ADDRESS}:`);
  if (isAny && !binds) return { problem: "'*' is an address to wait at: set bind, or name the peer's host" };
  const server = parseServer(isAny ? `0.0.0.0${address.slice(ANY_ADDRESS.length)}` : address, 0);
  if (server === undefined) return { problem: "Give host and port, such as tcp://host:5555" };
  return { kind: "tcp", ...server };
}

function parsePath(path: string): Endpoint | { readonly problem: string } {
  if (!path.startsWith("/")) {
    return { problem: "Give the whole path of the socket, such as ipc:///run/events.sock" };
  }
  if (new TextEncoder().encode(path).length > MAX_PATH || path.includes("\0")) {
    return { problem: `The path of a socket has at most ${MAX_PATH} bytes` };
  }
  return { kind: "ipc", path };
}
