/**
 * Addresses of etcd's members, as operators write them.
 *
 * @module
 */

/** One member of the etcd cluster, as gRPC wants it named. */
export interface EtcdEndpoint {
  /** As the operator wrote it, for logs. */
  readonly name: string;
  /** `host:port`; IPv6 addresses in brackets. */
  readonly address: string;
  /** The host alone, without brackets. */
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
}

/**
 * Reads an endpoint: `http://host:2379`, `https://[::1]:2379`, or `host:2379`.
 *
 * @param secureByDefault whether one without a scheme is reached over TLS
 * @throws {TypeError} when the text is no endpoint
 */
export function parseEndpoint(text: string, secureByDefault: boolean): EtcdEndpoint {
  const withScheme = text.includes("://") ? text : `${secureByDefault ? "https" : "http"}://${text}`;
  const url = URL.parse(withScheme);
  const isPlain = url !== null && url.username === "" && url.pathname === "/" && url.search === "";
  if (!isPlain || url.hostname === "" || !/^https?:$/.test(url.protocol)) {
    // What stands before an @ is a password, as likely as not.
    const value = text.includes("@") ? "one with credentials in it" : `'${text}'`;
    throw new TypeError(
      `Cannot read an etcd endpoint: expected 'http://host:2379', current value is ${value}`,
    );
  }
  const secure = url.protocol === "https:";
  // URL drops the default port of its scheme, which is not etcd's.
  const port = url.port !== "" ? url.port : /:\d+\/?$/.test(withScheme) ? (secure ? "443" : "80") : "2379";
  return {
    name: text,
    address: `${url.hostname}:${port}`,
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: Number(port),
    secure,
  };
}
