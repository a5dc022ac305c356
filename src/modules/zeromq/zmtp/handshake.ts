/**
 * The beginning of a connection of ZMTP 3.0 with the mechanism NULL: a greeting of 64 bytes, and a command with the
 * kind of the socket.
 *
 * @see https://rfc.zeromq.org/spec/23/ sections 3.2 and 3.4
 * @module
 */

import { Buffer } from "node:buffer";
import { writeCommand, ZmtpError } from "./frames.ts";

/** Kinds of sockets that the gateway has. */
export type SocketType = "PUB" | "PUSH" | "REQ" | "DEALER";

/** Bytes of a greeting. */
export const GREETING_BYTES = 64;

const MAJOR_VERSION = 3;

/** Where a greeting has what. */
const AT = { signatureEnd: 9, version: 10, mechanism: 12, mechanismEnd: 32 } as const;

const MECHANISM = "NULL";

/** What each kind of socket talks to. */
const PEERS: Readonly<Record<SocketType, readonly string[]>> = {
  PUB: ["SUB", "XSUB"],
  PUSH: ["PULL"],
  REQ: ["REP", "ROUTER"],
  DEALER: ["REP", "ROUTER"],
};

const SOCKET_TYPE = "socket-type";

/** Longest name that a peer gives itself, as it is shown. */
const MAX_SHOWN = 20;

const NOT_PRINTABLE = /[^ -~]/g;

/** What the gateway sends first. */
export function greeting(): Buffer {
  const bytes = Buffer.alloc(GREETING_BYTES);
  bytes[0] = 0xff;
  bytes[AT.signatureEnd] = 0x7f;
  bytes[AT.version] = MAJOR_VERSION;
  bytes.write(MECHANISM, AT.mechanism, "latin1");
  return bytes;
}

/** Judges the greeting of a peer. @throws {ZmtpError} when there can be no connection */
export function checkGreeting(bytes: Uint8Array): void {
  // Version 2 and older ones stop in the middle, and wait.
  if (bytes[0] !== 0xff || (bytes[AT.signatureEnd]! & 1) === 0) throw new ZmtpError("it does not speak ZMTP");
  if (bytes[AT.version]! < MAJOR_VERSION) {
    throw new ZmtpError(`it speaks version ${bytes[AT.version]} of ZMTP, and not ${MAJOR_VERSION}`);
  }
  const mechanism = shown(Buffer.from(bytes.slice(AT.mechanism, AT.mechanismEnd)).toString("latin1"));
  if (mechanism !== MECHANISM) {
    throw new ZmtpError(`it asks for the mechanism '${mechanism}', and the gateway speaks only ${MECHANISM}`);
  }
}

/** The command that follows the greeting. */
export function readyCommand(type: SocketType): Buffer {
  const properties = [
    ["Socket-Type", type],
    ...(type === "REQ" || type === "DEALER" ? [["Identity", ""]] : []),
  ];
  const parts = [named("READY")];
  for (const [name = "", value = ""] of properties) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(value.length);
    parts.push(named(name), length, Buffer.from(value, "latin1"));
  }
  return writeCommand(Buffer.concat(parts));
}

/** The name of a command, and what follows it. @throws {ZmtpError} when it has none */
export function parseCommand(body: Buffer): { readonly name: string; readonly rest: Buffer } {
  const length = body[0] ?? 0;
  if (length === 0 || body.length < 1 + length) throw new ZmtpError("a command has no name");
  return { name: body.toString("latin1", 1, 1 + length), rest: body.subarray(1 + length) };
}

/**
 * Judges the command that follows a peer's greeting.
 *
 * @throws {ZmtpError} when the peer refuses, or is no socket for this one
 */
export function checkReady(body: Buffer, type: SocketType): void {
  const { name, rest } = parseCommand(body);
  if (name === "ERROR") throw new ZmtpError(`it refuses: ${shown(rest.toString("latin1", 1))}`);
  if (name !== "READY") throw new ZmtpError(`it says ${shown(name)} where READY was expected`);
  const peer = propertiesIn(rest).get(SOCKET_TYPE) ?? "";
  if (PEERS[type].includes(peer)) return;
  throw new ZmtpError(`its socket is ${shown(peer)}; ${type} needs ${PEERS[type].join(" or ")}`);
}

/** By their names in lower case. */
function propertiesIn(bytes: Buffer): ReadonlyMap<string, string> {
  const properties = new Map<string, string>();
  for (let at = 0; at < bytes.length;) {
    const nameEnd = at + 1 + bytes[at]!;
    if (nameEnd + 4 > bytes.length) throw new ZmtpError("READY ends in a property");
    const valueEnd = nameEnd + 4 + bytes.readUInt32BE(nameEnd);
    if (valueEnd > bytes.length) throw new ZmtpError("READY ends in a property");
    properties.set(
      bytes.toString("latin1", at + 1, nameEnd).toLowerCase(),
      bytes.toString("latin1", nameEnd + 4, valueEnd),
    );
    at = valueEnd;
  }
  return properties;
}

function named(name: string): Buffer {
  return Buffer.concat([Buffer.from([name.length]), Buffer.from(name, "latin1")]);
}

/** A name that a peer gives, without its padding. */
function shown(text: string): string {
  const [name = ""] = text.split("\0", 1);
  return name.replace(NOT_PRINTABLE, "?").slice(0, MAX_SHOWN);
}
