/**
 * Proxies of HTTP (RFC 9110, section 3.7), by which requests leave a network that has no other way out.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { parseHttpAddress } from "../../schema/addresses.ts";
import { authorityOf } from "../address.ts";
import { comparableHost, type DestinationPolicy } from "../destination_policy.ts";
import type { HttpProxy } from "./endpoint.ts";

/** The proxy cannot be reached, or opens no way to the destination. The message says which proxy it is, and why. */
export class ProxyError extends Error {
  override readonly name = "ProxyError";

  constructor(proxy: HttpProxy, what: string, options?: ErrorOptions) {
    super(`the proxy ${authorityOf(proxy.hostname, proxy.port)} ${what}`, options);
  }
}

/** What a proxy says by 407. */
export const WRONG_LOGIN = "wants another user name and password: it answered 407";

const SCHEMES = /^[a-z][a-z0-9+.-]*:\/\//i;

/**
 * Reads the address of a proxy: `http://user:password@proxy.example:3128`, of which all but the host may be left out.
 *
 * @param policy for the connection to it
 * @returns in one sentence what is wrong with it, which does not show it
 */
export function parseProxy(text: string, policy: DestinationPolicy): HttpProxy | string {
  // Where a scheme stands before it, everybody sees that a password may follow.
  if (text.includes("@") && !SCHEMES.test(text)) return "Must begin with http:// where it has a user name";
  const url = URL.parse(SCHEMES.test(text) ? text : `http://${text}`);
  if (url === null) return "Not an address, such as http://proxy.example:3128";
  const authorization = authorizationOf(url);
  if (authorization === undefined && (url.username !== "" || url.password !== "")) {
    return "User name and password must be percent-encoded, and the name without a colon";
  }
  url.username = url.password = "";
  const address = parseHttpAddress(url.href);
  if (typeof address === "string") return "Must be an http or https proxy";
  const { protocol, port, path } = address;
  if (path !== "/" || url.hash !== "") return "Must have no path";
  const hostname = comparableHost(address.hostname);
  return { protocol, hostname, port, policy, authorization };
}

function authorizationOf({ username, password }: URL): string | undefined {
  if (username === "" && password === "") return undefined;
  try {
    const name = decodeURIComponent(username);
    const pair = `${name}:${decodeURIComponent(password)}`;
    return name.includes(":") ? undefined : `Basic ${Buffer.from(pair).toString("base64")}`;
  } catch {
    return undefined; // Not percent-encoded: said by the caller.
  }
}
