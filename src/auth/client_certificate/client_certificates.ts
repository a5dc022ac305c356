/**
 * What a trusted proxy says of the certificate that it has verified of a client. The runtime's server asks clients for
 * none, and `node:https`, which can, answers a quarter as many requests.
 *
 * @module
 */

import type { ClientAddressResolver } from "../client_address.ts";
import { canonicalName, parseName } from "./distinguished_name.ts";
import { alternativeName, CertificateSyntaxError, identityOf } from "./x509.ts";

/** How proxies say it: in the headers of nginx, that of Traefik, or that of Envoy. */
export type CertificateHeaders = "nginx" | "traefik" | "envoy";

/** Who a client is: the canonical form of its subject, and its alternative names. */
export interface ClientIdentity {
  /** `undefined` where the proxy does not say it. */
  readonly subject: string | undefined;
  readonly alternativeNames: readonly string[];
}

/** Why it is not known who a client is, for the log: one sentence without anything that was sent. There are a few. */
export interface UnknownClient {
  readonly reason: string;
}

/** What of a request says who its client is. */
export interface CertifiedRequest {
  readonly headers: Headers;
  readonly peerAddress: string;
}

const UNTRUSTED: UnknownClient = {
  reason:
    "The request does not come from a proxy of TRUSTED_PROXIES, whose word about certificates counts alone",
};

const NOT_SET: UnknownClient = {
  reason: "CLIENT_CERTIFICATE_HEADERS is not set, so that no header about certificates is believed",
};

const NONE: UnknownClient = { reason: "The proxy passes on no certificate that it has verified" };

const UNREADABLE: UnknownClient = { reason: "What the proxy passes on is not one certificate" };

/** Reads what trusted proxies say. Immutable; shared by all requests. */
export class ClientCertificates {
  readonly #headers: CertificateHeaders | undefined;
  readonly #clientAddresses: ClientAddressResolver;

  /**
   * @param headers in which headers it stands; `undefined` for none
   * @param clientAddresses knows the trusted proxies
   */
  constructor(headers: CertificateHeaders | undefined, clientAddresses: ClientAddressResolver) {
    this.#headers = headers;
    this.#clientAddresses = clientAddresses;
  }

  /** Who the client of a request is. Headers that are there twice say nothing. */
  identify({ headers, peerAddress }: CertifiedRequest): ClientIdentity | UnknownClient {
    if (this.#headers === undefined) return NOT_SET;
    if (!this.#clientAddresses.isTrustedProxy(peerAddress)) return UNTRUSTED;
    try {
      return READERS[this.#headers](headers);
    } catch (error) {
      if (!(error instanceof CertificateSyntaxError)) throw error;
      return UNREADABLE;
    }
  }
}

type Reader = (headers: Headers) => ClientIdentity | UnknownClient;

const READERS: Readonly<Record<CertificateHeaders, Reader>> = {
  nginx(headers) {
    // nginx passes on certificates that it could not verify, too, where they are optional.
    if (headers.get("ssl-client-verify") !== "SUCCESS") return NONE;
    const certificate = headers.get("ssl-client-cert");
    return certificate === null || certificate === "" ? NONE : fromCertificate(certificate);
  },
  traefik(headers) {
    const chain = headers.get("x-forwarded-tls-client-cert");
    if (chain === null || chain === "") return NONE;
    // The client's own comes first. Twice the header would be two chains, joined with a space behind the comma.
    return chain.includes(", ") ? UNREADABLE : fromCertificate(chain.split(",", 1)[0]!);
  },
  envoy(headers) {
    const header = headers.get("x-forwarded-client-cert");
    return header === null || header === "" ? NONE : fromElement(header);
  },
};

/** @param text in PEM that is encoded as in URLs, or the bytes in base64 */
function fromCertificate(text: string): ClientIdentity {
  const { subject, alternativeNames } = identityOf(bytesOf(text));
  return { subject: canonicalName(subject), alternativeNames };
}

const PEM = /^-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*$/;

function bytesOf(text: string): Uint8Array {
  try {
    const base64 = text.startsWith("-----") ? PEM.exec(decodeURIComponent(text))?.[1] : text;
    return Uint8Array.fromBase64(base64 ?? "");
  } catch (cause) {
    throw new CertificateSyntaxError("It is not base64", { cause });
  }
}

/** A key of an element and its value, which may be quoted, in `X-Forwarded-Client-Cert`. */
const PAIR = /([A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^;,"]*)(;|$)/y;

/** An element of `X-Forwarded-Client-Cert`. Several would be those of several proxies, of which one may be a client. */
function fromElement(header: string): ClientIdentity | UnknownClient {
  const alternativeNames: string[] = [];
  let subject: string | undefined;
  PAIR.lastIndex = 0;
  while (PAIR.lastIndex < header.length) {
    const [whole, key = "", quoted = ""] = PAIR.exec(header) ?? [];
    if (whole === undefined) return UNREADABLE;
    const value = quoted.startsWith('"') ? quoted.slice(1, -1).replaceAll('\\"', '"') : quoted;
    if (value === "") continue;
    switch (key.toLowerCase()) {
      case "cert":
        return fromCertificate(value);
      case "subject": {
        const name = parseName(value);
        if (name === undefined || subject !== undefined) return UNREADABLE;
        subject = canonicalName(name);
        break;
      }
      case "uri":
        alternativeNames.push(alternativeName("uri", value));
        break;
      case "dns":
        alternativeNames.push(alternativeName("dns", value));
    }
  }
  return { subject, alternativeNames };
}
