/**
 * The head of an HTTP/1.1 request.
 *
 * @module
 */

import type { OutgoingHttpHeaders } from "node:http";
import { authorityOf } from "../address.ts";
import type { HttpProxy } from "./endpoint.ts";
import { HEADER_NAME, HEADER_VALUE } from "../../schema/header_names.ts";

/** What is needed of a destination. */
export interface RequestTarget {
  readonly protocol: "http:" | "https:";
  readonly hostname: string;
  readonly port: number;
  /** Path and query. */
  readonly path: string;
  /** What the request goes through. For `https:` it sees nothing of it. */
  readonly proxy?: Pick<HttpProxy, "authorization">;
}

const PATH = /^[\x21-\x7e\x80-\xff]+$/;

/**
 * What stands between the method and the headers of a request; made once a destination.
 *
 * @throws {TypeError} for a path that would end the line
 */
export function requestLine({ protocol, hostname, port, path, proxy }: RequestTarget): string {
  if (!PATH.test(path)) throw invalid("path");
  const isDefault = port === (protocol === "https:" ? 443 : 80);
  const authority = authorityOf(hostname, port);
  const host = isDefault ? authority.slice(0, authority.lastIndexOf(":")) : authority;
  const isForProxy = proxy !== undefined && protocol === "http:";
  const target = isForProxy ? `http://${host}${path}` : path;
  const login = isForProxy && proxy.authorization !== undefined
    ? `proxy-authorization: ${proxy.authorization}\r\n`
    : "";
  // Servers that speak HTTP/1.0 keep no connection unless they are asked to.
  return ` ${target} HTTP/1.1\r\nhost: ${host}\r\n${login}connection: keep-alive\r\n`;
}

/**
 * The whole head, a character a byte.
 *
 * @param line of {@linkcode requestLine}
 * @throws {TypeError} for headers that would be others for the receiver
 */
export function requestHead(method: string, line: string, headers: OutgoingHttpHeaders): string {
  let head = method + line;
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined) continue;
    if (!HEADER_NAME.test(name)) throw invalid("header's name");
    if (Array.isArray(value)) { for (const each of value) head += headerLine(name, each); }
    else head += headerLine(name, String(value));
  }
  return `${head}\r\n`;
}

function headerLine(name: string, value: string): string {
  if (!HEADER_VALUE.test(value)) throw invalid(`value of the header ${name}`);
  return `${name}: ${value}\r\n`;
}

function invalid(what: string): TypeError {
  return Object.assign(new TypeError(`Invalid character in the ${what}`), { code: "ERR_INVALID_CHAR" });
}
