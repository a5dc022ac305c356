/**
 * Addresses of servers as they are configured: `host:port`, and URLs of HTTP services.
 *
 * @module
 */

/** The highest port. */
export const MAX_PORT = 65_535;

/** The host as clients take it: IPv6 addresses stand in brackets only in URLs and before a port. */
export function withoutBrackets(host: string): string {
  return host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
}

/** Where a server listens. */
export interface ServerAddress {
  /** A name or an IP address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

/** A host name, an IPv4 address or an IPv6 address in brackets, and perhaps a port. */
const SERVER = /^(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?::(\d{1,5}))?$/;

/** Reads `host:port`, or a host alone, with white space around it; `undefined` when it is neither. */
export function parseServer(text: string, defaultPort: number): ServerAddress | undefined {
  const [, host, portText = defaultPort] = SERVER.exec(text.trim()) ?? [];
  const port = Number(portText);
  return host === undefined || port < 1 || port > MAX_PORT
    ? undefined
    : { host: withoutBrackets(host), port };
}

/** Where an HTTP service is. */
export interface HttpAddress {
  readonly protocol: "http:" | "https:";
  /** Without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** Path and query. */
  readonly path: string;
}

/**
 * What is wrong with an address; of several things the first.
 *
 * - `incomplete`: it is no URL, or has no scheme.
 * - `scheme`: it is neither `http` nor `https`.
 * - `credentials`: it has a user name or a password, which would show up wherever the address does.
 */
export type HttpAddressFault = "incomplete" | "scheme" | "credentials";

/** Reads the address of a request. A fragment, which is never sent, is left out. */
export function parseHttpAddress(text: string): HttpAddress | HttpAddressFault {
  const url = URL.parse(text);
  if (url === null) return "incomplete";
  const { protocol, username, password, port, pathname, search } = url;
  if (protocol !== "http:" && protocol !== "https:") return "scheme";
  if (username !== "" || password !== "") return "credentials";
  const usualPort = protocol === "https:" ? 443 : 80;
  return {
    protocol,
    hostname: withoutBrackets(url.hostname),
    port: port === "" ? usualPort : Number(port),
    path: pathname + search,
  };
}

/** Reads an address that requests put something behind, so that it cannot have a query or a fragment. */
export function parseHttpBase(text: string): HttpAddress | HttpAddressFault | "query" {
  const address = parseHttpAddress(text);
  const { search = "", hash = "" } = URL.parse(text) ?? {};
  return typeof address === "string" || (search === "" && hash === "") ? address : "query";
}

/** Whether a text is the origin of an HTTP page as browsers send it (RFC 6454, section 6.2): in lower case, and alone. */
export function isOrigin(text: string): boolean {
  return /^https?:\/\//.test(text) && URL.parse(text)?.origin === text;
}

/** What the URL of a server says that is no HTTP service. */
export interface ServerUrl {
  readonly scheme: string;
  /** Without brackets. */
  readonly host: string;
  readonly port: number | undefined;
  /** Decoded; `undefined` where none is given, as with the password. */
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** What stands behind the first slash, as it is encoded. */
  readonly path: string;
}

/**
 * Reads `scheme://user:password@host:port/path`, whose parts are percent-encoded; `undefined` when it is none, has a
 * query or a fragment, or a percent sign that begins no byte.
 *
 * @param schemes those that are taken, without colon
 */
export function parseServerUrl(text: string, schemes: readonly string[]): ServerUrl | undefined {
  const url = URL.parse(text);
  if (url === null || url.hostname === "" || url.search !== "" || url.hash !== "") return undefined;
  const scheme = url.protocol.slice(0, -1);
  const [username, password] = [decodedPart(url.username), decodedPart(url.password)];
  if (!schemes.includes(scheme) || username === undefined || password === undefined) return undefined;
  return {
    scheme,
    host: withoutBrackets(url.hostname),
    port: url.port === "" ? undefined : Number(url.port),
    username: username || undefined,
    password: password || undefined,
    path: url.pathname.slice(1),
  };
}

/** A part of a URL without its encoding; `undefined` when a percent sign of it begins no byte. */
export function decodedPart(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}
