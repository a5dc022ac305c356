/**
 * The environment variables of the gateway's own HTTPS, and the settings that they become.
 *
 * @module
 */

import { integer, secret, secretPath, trueOrFalse } from "./types.ts";
import { optional, type ValuesOf, variable } from "./variable.ts";

/** What the gateway serves HTTPS with. */
export interface TlsSettings {
  /** Path of a file in PEM: the certificate, then those of the authorities up to its root. */
  readonly certFile: string;
  /** Path of a file in PEM. */
  readonly keyFile: string;
  /** The value of the header `Strict-Transport-Security` (RFC 6797); left out: there is none. */
  readonly hsts?: string;
}

/** The variables, in the order of the documentation. */
export const TLS_VARIABLES = {
  TLS_CERT: optional(
    secretPath(),
    "File in PEM with the gateway's certificate and those of the authorities below its root, to serve HTTPS and " +
      "HTTP/2 with, in the place of HTTP. A changed pair is taken up without a restart.",
  ),
  TLS_KEY: optional(
    {
      ...secret(
        (value) => !value.includes("-----"),
        "be the path of a file: the key itself does not stand here",
      ),
      namesSecret: true,
    },
    "File in PEM with the private key of `TLS_CERT`, without a passphrase.",
  ),
  HSTS_MAX_AGE: variable(
    integer(0, 10 * 365 * 86_400, "seconds"),
    365 * 86_400,
    "With `TLS_CERT`: how long browsers keep to HTTPS (`Strict-Transport-Security`); 0 for no such header.",
  ),
  HSTS_INCLUDE_SUBDOMAINS: variable(trueOrFalse(), false, "Whether that counts for all subdomains, too."),
  HSTS_PRELOAD: variable(trueOrFalse(), false, "Whether browsers may have it built in (`preload`)."),
} as const;

type Values = ValuesOf<typeof TLS_VARIABLES>;

/** The settings; `undefined` where HTTP is served. */
export function tlsSettings(values: Values): TlsSettings | undefined {
  const { TLS_CERT: certFile, TLS_KEY: keyFile } = values;
  if (certFile === undefined || keyFile === undefined) return undefined;
  const hsts = hstsOf(values);
  return { certFile, keyFile, ...(hsts === undefined ? {} : { hsts }) };
}

/** What is wrong with the variables together. */
export function tlsContradictions({ TLS_CERT, TLS_KEY }: Values): string[] {
  if ((TLS_CERT === undefined) === (TLS_KEY === undefined)) return [];
  const missing = TLS_CERT === undefined ? "TLS_CERT" : "TLS_KEY";
  return [`TLS_CERT and TLS_KEY must be set together: ${missing} is not set`];
}

function hstsOf(values: Values): string | undefined {
  if (values.HSTS_MAX_AGE === 0) return undefined;
  const subdomains = values.HSTS_INCLUDE_SUBDOMAINS ? "; includeSubDomains" : "";
  return `max-age=${values.HSTS_MAX_AGE}${subdomains}${values.HSTS_PRELOAD ? "; preload" : ""}`;
}
