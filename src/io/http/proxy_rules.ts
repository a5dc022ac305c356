/**
 * Which requests go through which proxy, as the environment of a process says: `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`.
 *
 * @module
 */

import { isInNetwork, type Network, networkOf, parseAddress, parseNetwork } from "../address.ts";
import { MAX_PORT } from "../../schema/addresses.ts";
import { comparableHost } from "../destination_policy.ts";
import type { Endpoint, HttpProxy } from "./endpoint.ts";

/** A destination that is reached without a proxy. */
export type Direct =
  /** The name, and all below it; `""` is the parent of all. */
  | { readonly name: string; readonly port: number | undefined }
  | { readonly range: Network; readonly port: number | undefined };

/** What the environment says. */
export interface ProxySettings {
  readonly http: HttpProxy | undefined;
  readonly https: HttpProxy | undefined;
  readonly direct: readonly Direct[];
}

const LOOPBACK = ["127.0.0.0/8", "::1/128"].map((range) => parseNetwork(range)!);

/**
 * Reads an entry of `NO_PROXY`: `*` for everything, a name (with or without a dot or `*.` before it, for all below it as
 * well), an IP address, both with or without a port, or a range of addresses. `undefined` when it is none of these.
 */
export function parseDirect(text: string): Direct | undefined {
  if (text === "*") return { name: "", port: undefined };
  if (text.includes("/")) {
    const range = parseNetwork(text);
    return range === undefined ? undefined : { range, port: undefined };
  }
  const whole = parseAddress(text.replace(/^\[(.*)\]$/, "$1"));
  if (whole !== undefined) return { range: networkOf(whole), port: undefined };
  const [, host, portText] = /^(?:\*?\.)?([^\s:/?#@*\\]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?$/i.exec(text) ?? [];
  const port = portText === undefined ? undefined : Number(portText);
  const url = host === undefined ? null : URL.parse(`http://${host}/`);
  if (url === null || port === 0 || (port ?? 0) > MAX_PORT) return undefined;
  const name = comparableHost(url.hostname);
  const address = parseAddress(name);
  return address === undefined ? { name, port } : { range: networkOf(address), port };
}

/** Finds the proxy of a destination; `undefined` where it is reached without one, as the machine itself always is. */
export function proxyFor(
  { protocol, hostname, port }: Pick<Endpoint, "protocol" | "hostname" | "port">,
  { http, https, direct }: ProxySettings,
): HttpProxy | undefined {
  const proxy = protocol === "https:" ? https : http;
  if (proxy === undefined || isLoopback(hostname)) return undefined;
  const isDirect = direct.some((entry) => (entry.port ?? port) === port && covers(entry, hostname));
  return isDirect ? undefined : proxy;
}

function covers(entry: Direct, hostname: string): boolean {
  if ("range" in entry) {
    const address = parseAddress(hostname);
    return address !== undefined && isInNetwork(address, entry.range);
  }
  const { name } = entry;
  return name === "" || hostname === name ||
    (hostname.endsWith(`.${name}`) && parseAddress(hostname) === undefined);
}

function isLoopback(hostname: string): boolean {
  if (hostname === "localhost" || hostname.endsWith(".localhost")) return true;
  const address = parseAddress(hostname);
  return address !== undefined && LOOPBACK.some((range) => isInNetwork(address, range));
}
